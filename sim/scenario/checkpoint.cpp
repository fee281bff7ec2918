#include "sim/scenario/checkpoint.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL  // NOLINT(readability-identifier-naming): the library asks for it
#include <xxhash.h>

namespace mtesim {

namespace {

constexpr std::string_view kFirstLine = "mtesim checkpoint 1\n";
constexpr std::size_t kSum = 16;  // digits of the checksum, at the end

std::string sum_of(std::string_view bytes) { return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size())); }

/// Numbers of any size, seven bits a byte, the lowest first.
class Writer {
 public:
  explicit Writer(std::string text) : bytes_(std::move(text)) {}
  void put(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) bytes_.push_back(static_cast<char>(n | 0x80));
    bytes_.push_back(static_cast<char>(n));
  }
  void put_signed(std::int64_t n) { put((static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63)); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t get() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) break;
      const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
      n |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return n;
    }
    throw CheckpointError("it is damaged");
  }
  std::int64_t get_signed() {
    const std::uint64_t n = get();
    return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
  }
  /// A count of things that take a byte each at least: a damaged one asks for no memory.
  std::size_t count() {
    const std::uint64_t n = get();
    if (n > bytes_.size() - at_) throw CheckpointError("it is damaged");
    return n;
  }
  template <class T>
  void get(T& into) {
    into = static_cast<T>(get());
  }

 private:
  std::string_view bytes_;
  std::size_t at_{};
};

void put(Writer& w, const StepNote& note) {
  w.put(note.choices.size());
  for (const ChoiceAt& at : note.choices) {
    for (const std::uint64_t n : {std::uint64_t{at.site}, std::uint64_t{at.choice.action}, at.choice.access,
                                  at.choice.target, std::uint64_t{at.choice.pointer.bits}}) {
      w.put(n);
    }
  }
  std::uint64_t met = 0;
  for (const ReachedFact& fact : reached_facts()) met = met << 1 | (note.reached.*fact.field ? 1 : 0);
  w.put(met);
  w.put(note.returned ? 1 : 0);
  if (!note.returned) return;
  w.put(note.returned->call);
  w.put_signed(note.returned->result);
  for (const Judgement& one : note.judged) {
    for (const std::uint64_t n : {static_cast<std::uint64_t>(one.standing), one.bytes.n,
                                  static_cast<std::uint64_t>(one.first.in), one.first.at, std::uint64_t{one.call}}) {
      w.put(n);
    }
    w.put_signed(one.result);
  }
}

StepNote get_note(Reader& r) {
  StepNote note;
  note.choices.resize(r.count());
  for (ChoiceAt& at : note.choices) {
    r.get(at.site);
    r.get(at.choice.action);
    r.get(at.choice.access);
    r.get(at.choice.target);
    r.get(at.choice.pointer.bits);
  }
  const std::uint64_t met = r.get();
  std::size_t bit = reached_facts().size();
  for (const ReachedFact& fact : reached_facts()) note.reached.*fact.field = (met >> --bit & 1) != 0;
  if (r.get() == 0) return note;
  StepNote::Returned returned;
  r.get(returned.call);
  returned.result = r.get_signed();
  note.returned = returned;
  for (Judgement& one : note.judged) {
    r.get(one.standing);
    r.get(one.bytes.n);
    r.get(one.first.in);
    r.get(one.first.at);
    r.get(one.call);
    one.result = r.get_signed();
  }
  return note;
}

}  // namespace

std::string write_checkpoint(const SearchImage& image, std::string_view identity) {
  Writer w(std::string(kFirstLine) + std::string(identity) + "\n");
  w.put(image.notes.size());
  for (const StepNote& note : image.notes) put(w, note);
  w.put(image.transitions.size());
  std::uint32_t from = 0;
  for (const SearchImage::Transition& t : image.transitions) {
    w.put(t.from - from);
    from = t.from;
    w.put_signed(std::int64_t{t.to} - t.from);
    w.put(t.note);
    w.put(t.actions);
    w.put(t.task);
  }
  w.put(image.prints.size());
  for (const std::uint64_t print : image.prints) w.put(print);
  w.put(image.accessed.size());
  for (const UserRange& range : image.accessed) {
    w.put(range.begin);
    w.put(range.end);
  }
  for (const std::uint64_t n : {image.levels, image.next, image.taken, image.end}) w.put(n);
  std::string bytes = w.take();
  bytes += sum_of(bytes);
  return bytes;
}

SearchImage read_checkpoint(std::string_view bytes, std::string_view identity) {
  if (bytes.substr(0, kFirstLine.size()) != kFirstLine) throw CheckpointError("it is no checkpoint of this program");
  const std::size_t line_end = bytes.find('\n', kFirstLine.size());
  if (line_end == std::string_view::npos || bytes.size() < line_end + 1 + kSum)
    throw CheckpointError("it is cut short");
  const std::string_view body = bytes.substr(0, bytes.size() - kSum);
  if (sum_of(body) != bytes.substr(body.size())) throw CheckpointError("it is damaged: its checksum does not fit");
  const std::string_view of = bytes.substr(kFirstLine.size(), line_end - kFirstLine.size());
  if (of != identity) {
    throw CheckpointError(fmt::format("it is of another check: found \"{}\"; allowed: \"{}\"", of, identity));
  }
  Reader r(body.substr(line_end + 1));
  SearchImage image;
  image.notes.resize(r.count());
  for (StepNote& note : image.notes) note = get_note(r);
  image.transitions.resize(r.count());
  std::uint32_t from = 0;
  for (SearchImage::Transition& t : image.transitions) {
    from += static_cast<std::uint32_t>(r.get());
    t.from = from;
    t.to = static_cast<std::uint32_t>(from + r.get_signed());
    r.get(t.note);
    r.get(t.actions);
    r.get(t.task);
  }
  image.prints.resize(r.count());
  for (std::uint64_t& print : image.prints) print = r.get();
  image.accessed.resize(r.count());
  for (UserRange& range : image.accessed) {
    r.get(range.begin);
    r.get(range.end);
  }
  for (std::uint64_t* n : {&image.levels, &image.next, &image.taken, &image.end}) *n = r.get();
  return image;
}

}  // namespace mtesim
