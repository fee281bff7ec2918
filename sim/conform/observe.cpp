#include "sim/conform/observe.h"

#include <algorithm>

#include "model/mm/fault.h"
#include "sim/conform/translate.h"

namespace mtesim {

namespace {

using nlohmann::json;

std::uint8_t make_file_byte(std::uint64_t offset) {
  const std::uint64_t h = offset * 2654435761U + (offset >> 7) * 40503U + (offset >> 12) * 977U;
  return static_cast<std::uint8_t>(1 + ((h >> 5) ^ (h >> 17)) % 127);
}

ByteValues make_table(std::uint8_t mask) {
  ByteValues table(std::size_t{1} << 20);
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::int16_t>(make_file_byte(i) | mask);
  return table;
}

/// What a record's write writes, by file offset.
const ByteValues& written_values() {
  static const ByteValues kTable = make_table(kWritten);
  return kTable;
}

/// A copy is several times as fast as filling.
ByteValues filled(std::size_t size) {
  static const ByteValues kFilled(kPlainPages * 4096, kFill);
  if (size > kFilled.size()) return ByteValues(size, kFill);
  return {kFilled.begin(), kFilled.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::uint32_t object_named(const Names& names, std::string_view name) {
  const auto found = std::find(names.objects.begin(), names.objects.end(), name);
  return static_cast<std::uint32_t>(found - names.objects.begin());
}

/// `values` from `at` on, `length` of them; zeroes behind their end.
void append_part(const ByteValues& values, std::int64_t at, std::int64_t length, ByteValues& to) {
  const auto size = static_cast<std::int64_t>(values.size());
  const std::int64_t begin = std::min(at, size);
  const std::int64_t end = std::min(at + length, size);
  to.insert(to.end(), values.begin() + begin, values.begin() + end);
  to.insert(to.end(), static_cast<std::size_t>(length - (end - begin)), std::int16_t{0});
}

std::size_t common_prefix(const ByteValues& a, const ByteValues& b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t n = 0;
  while (n < most && a[n] == b[n]) ++n;
  return n;
}

}  // namespace

void FaultLog::observe(const Event& event) {
  const auto* fault = std::get_if<TagFaultTaken>(&event);
  if (fault != nullptr && !fault->from_user_mode && faults_.size() < kMost) faults_.push_back(*fault);
}

const ByteValues& file_values() {
  static const ByteValues kTable = make_table(0);
  return kTable;
}

std::uint8_t file_byte(std::uint64_t offset) {
  return offset < file_values().size() ? static_cast<std::uint8_t>(file_values()[offset]) : make_file_byte(offset);
}

Observation::Observation(const RecordCase& what, const Built& built, const RunResult& result, const FaultLog& faults)
    : what_(what), built_(built), result_(result), faults_(faults), machine_(result.final_state.machine) {
  file_object_ = object_named(built.names, "f");
  prepare_region();
  if (what.uses_plain()) prepare_plain();
  for (const Names::Mapping& mapping : built.names.mappings) {
    if (mapping.name == kRegion) buf_.now = contents_of(mapping, buf_.object);
    if (mapping.name == kPlain) plain_.now = contents_of(mapping, plain_.object);
  }
}

void Observation::prepare_region() {
  const auto size = static_cast<std::size_t>(what_.npages) * 4096;
  buf_.begin = built_.names.mappings.front().begin;
  buf_.object =
      what_.is_self() ? file_object_ : object_named(built_.names, what_.mem.starts_with("file:") ? "membuf" : kRegion);
  buf_.initial = filled(size);
  if (what_.is_self()) {
    buf_.initial.clear();
    const std::int64_t there =
        what_.fmode == "data" ? std::min<std::int64_t>(what_.fsize, static_cast<std::int64_t>(size)) : 0;
    append_part(file_values(), 0, there, buf_.initial);
    buf_.initial.resize(size, 0);
  }
  const auto put = [&](std::int64_t at, std::int16_t value) {
    if (at >= 0 && static_cast<std::size_t>(at) < size) buf_.initial[static_cast<std::size_t>(at)] = value;
  };
  const auto put_written = [&](std::int64_t at, std::int64_t length, std::int64_t position) {
    length = std::clamp<std::int64_t>(static_cast<std::int64_t>(size) - at, 0, length);
    const auto from =
        written_values().begin() + std::min<std::int64_t>(position, std::ssize(written_values()) - length);
    std::copy(from, from + length, buf_.initial.begin() + at);
  };
  if (what_.op == "sweep" && what_.arg != 0) {
    put_written(what_.pos * 16 + what_.align, what_.length, 0);
  } else if (what_.is_transfer() ? what_.is_write() && !what_.is_self()
                                 : what_.uses_plain() && what_.region_is_source()) {
    std::int64_t position = what_.foff;
    for (const RecordSegment& s : what_.segs) {
      put_written(s.offset, s.length, position);
      position += s.length;
    }
  } else if (what_.op == "open") {
    for (std::int64_t i = 0; i < what_.llen; ++i) put(what_.segs[0].offset + i, i % 100 == 0 ? '/' : 'q');
    put(what_.segs[0].offset + what_.llen, 0);
  } else if (what_.op == "poll") {
    for (std::int64_t i = 0; i + 8 <= what_.segs[0].length; i += 8) {
      static constexpr std::int16_t kPollfd[] = {3, 0, 0, 0, 4, 0, 0x5a, 0x5a};
      for (std::int64_t b = 0; b < 8; ++b) put(what_.segs[0].offset + i + b, kPollfd[b]);
    }
  } else if (what_.is_search()) {
    put_key(put);
  } else if (what_.op == "futex") {
    for (std::size_t s = what_.segs.size(); s-- > 0;) {
      for (std::int64_t b = 0; b < 4; ++b) {
        put(what_.segs[s].offset + b, b == 0 && !(s == 0 && what_.sub.ends_with("lockpi")) ? 7 : 0);
      }
    }
  }
  buf_.expected = buf_.initial;
  page_can_be_read_.assign(static_cast<std::size_t>(what_.npages), true);
  for (const RecordProt& p : what_.prot) {
    // A page that the program had only taken its rights from gets them back before it is read.
    if (p.page < what_.npages)
      page_can_be_read_[static_cast<std::size_t>(p.page)] = p.kind != "unmap" && p.kind != "bus";
    if (p.kind != "coldtag" && (p.kind != "cold" || what_.mem != "anon")) continue;
    const auto begin = buf_.expected.begin() + p.page * 4096;
    std::fill(begin, begin + 4096, std::int16_t{0});
  }
}

void Observation::prepare_plain() {
  plain_.object = object_named(built_.names, kPlain);
  plain_.initial = filled(kPlainPages * 4096);
  if (!what_.region_is_source()) {
    std::copy_n(file_values().begin(), what_.total(), plain_.initial.begin());
  }
}

void Observation::append_values(const Provenance& bytes, ByteValues& to) const {
  for (const Provenance::Piece& piece : bytes.pieces()) {
    const Origin origin = piece.origin;
    const auto n = static_cast<std::int64_t>(piece.length);
    const auto at = static_cast<std::int64_t>(origin.position);
    if (origin.source == kZeroSource) {
      to.insert(to.end(), piece.length, std::int16_t{0});
    } else if (origin.source == source_of_object(buf_.object) && !what_.is_self()) {
      append_part(buf_.initial, at, n, to);
    } else if (what_.uses_plain() && origin.source == source_of_object(plain_.object)) {
      append_part(plain_.initial, at, n, to);
    } else if (origin.source == source_of_object(file_object_)) {
      const std::int64_t size = what_.op == "sweep" ? 16384 : what_.fmode == "data" ? what_.fsize : 0;
      const std::int64_t there = std::clamp<std::int64_t>(size - at, 0, n);
      append_part(file_values(), at, there, to);
      to.insert(to.end(), static_cast<std::size_t>(n - there), std::int16_t{0});
    } else if (origin.source == kKernelSource && what_.is_queue()) {
      append_part(file_values(), at, n, to);
    } else if (origin.source == kKernelSource && what_.is_search()) {
      append_answer(at, n, to);
    } else if (origin.source == kWordSource) {
      for (std::int64_t i = at; i < at + n; ++i) {
        to.push_back(static_cast<std::int16_t>(i / 4 >> (8 * (i % 4)) & 0xff));
      }
    } else {
      to.insert(to.end(), piece.length, kNoValue);
    }
  }
}

ByteValues Observation::contents_of(const Names::Mapping& mapping, std::uint32_t object) const {
  ByteValues values;
  const auto page_size = static_cast<std::uint32_t>(machine_.page_size.n);
  values.reserve(mapping.end - mapping.begin);
  for (std::uint64_t address = mapping.begin; address < mapping.end; address += page_size) {
    const Pte& pte = machine_.spaces[0]->pte(machine_.page_index(address));
    const FolioRef own{object, static_cast<std::uint32_t>((address - mapping.begin) / page_size)};
    const bool has_own = machine_.folio(own).in_cache;  // shared memory stays when nobody maps it
    if (pte.state == PteState::present || pte.state == PteState::swapped) {
      append_values(machine_.folio(pte.folio).contents.read(0, page_size), values);
    } else if (pte.state == PteState::none && what_.is_self()) {  // the program looks, and has it read in
      append_values(file_page(own.index).read(0, page_size), values);
    } else if (pte.state == PteState::none && has_own) {
      append_values(machine_.folio(own).contents.read(0, page_size), values);
    } else {
      values.insert(values.end(), page_size, std::int16_t{0});
    }
  }
  return values;
}

/// What the program has in its buffers, after each other; zeroes behind the region.
ByteValues Observation::gathered() const {
  ByteValues values;
  for (const RecordSegment& s : what_.segs) append_part(buf_.expected, s.offset, s.length, values);
  return values;
}

/// What a read of `length` bytes should have put into its buffers, after each other.
ByteValues Observation::source_values(std::int64_t length) const {
  if (what_.obj == "zero" || what_.fmode != "data") return ByteValues(static_cast<std::size_t>(length), 0);
  ByteValues values;
  append_part(file_values(), what_.is_page_cache() ? what_.foff : 0, length, values);
  return values;
}

std::uint32_t Observation::word_at(std::int64_t at) const {
  std::uint32_t word = 0;
  for (std::int64_t b = 0; b < 4; ++b) {
    word |= static_cast<std::uint32_t>(buf_.now[static_cast<std::size_t>(at + b)] & 0xff) << (8 * b);
  }
  return word;
}

json Observation::keys() const {
  json out = json::object();
  put_outcome(out);
  if (what_.op == "futex") {
    put_futex(out);
  } else {
    const bool transfer = what_.is_transfer();
    const bool has_source = what_.is_page_cache() || what_.is_queue() || what_.obj == "zero";
    if (what_.op == "fiemap") {
      out["mapped"] = word_at(what_.segs[0].offset + 20);
    } else if (what_.is_search()) {
      put_search(out);
    } else if (what_.uses_plain()) {
      put_plain(out);
      put_buffer(out, what_.segs, !what_.region_is_source());
    } else if (!what_.is_self() || !what_.is_write()) {
      put_buffer(out, what_.segs, transfer && !what_.is_write() && has_source);
    }
    if (transfer || what_.uses_plain()) put_tags(out);
    if (transfer && what_.is_page_cache()) put_file(out);
    if (transfer && what_.is_queue()) put_queue(out);
  }
  if (what_.is_search()) put_reference(out);
  put_faults(out);
  return out;
}

void Observation::put_outcome(json& out) const {
  if (!mode_asked_for(what_, built_.workload.revision)) {
    out["tcf_errno"] = static_cast<std::int64_t>(Errno::einval);
  }
  if (result_.end == RunEnd::livelock || result_.end == RunEnd::deadlock) {
    out["hang"] = true;
    out["killable"] = result_.end == RunEnd::livelock && result_.killable;
    return;
  }
  const std::vector<std::int64_t> results = result_.all_results();
  const std::int64_t result = results.empty() ? 0 : results.back();
  if (result == kKernelBugResult) {
    out["oops"] = 1;
    out["child_signal"] = kSigsegv;
    return;
  }
  if (!what_.calls.empty()) {
    const auto before = results.size() - std::min(results.size(), what_.calls.size());
    out["calls"] = std::vector<std::int64_t>(results.begin() + static_cast<std::ptrdiff_t>(before), results.end());
  }
  out["ret"] = result < 0 ? -1 : result;
  out["errno"] = result < 0 ? -result : 0;
  if (result_.final_state.tasks.front().killed && machine_.tasks.front().pending.mteaerr) {
    out["sig"] = 11;     // SIGSEGV
    out["si_code"] = 8;  // SEGV_MTEAERR
  }
}

void Observation::put_buffer(json& out, const std::vector<RecordSegment>& segments, bool with_expected) const {
  const auto size = static_cast<std::int64_t>(buf_.now.size());
  std::int64_t position = 0, prefix = 0, changed = 0, last = 0, good = 0, good_prefix = 0;
  bool in_prefix = true, in_good = with_expected;
  const ByteValues source = with_expected ? source_values(what_.total()) : ByteValues{};
  const auto look_at = [&](std::int64_t at, std::int64_t length) {  // within a page
    if (at < 0 || at >= size || !page_can_be_read_[static_cast<std::size_t>(at / 4096)]) {
      in_prefix = in_good = false;
      return;
    }
    const auto now = buf_.now.begin() + at;
    const auto expected = buf_.expected.begin() + at;
    if (std::equal(now, now + length, expected)) {
      in_prefix = false;
    } else {
      for (std::int64_t i = 0; i < length; ++i) {
        if (now[i] == expected[i]) {
          in_prefix = false;
          continue;
        }
        ++changed;
        last = position + i + 1;
        prefix += in_prefix ? 1 : 0;
      }
    }
    if (!with_expected) return;
    const auto wanted = source.begin() + position;
    if (std::equal(now, now + length, wanted)) {
      good += length;
      good_prefix += in_good ? length : 0;
      return;
    }
    for (std::int64_t i = 0; i < length; ++i) {
      in_good = in_good && now[i] == wanted[i];
      good += now[i] == wanted[i] ? 1 : 0;
      good_prefix += in_good ? 1 : 0;
    }
  };
  for (const RecordSegment& s : segments) {
    for (std::int64_t at = s.offset; at < s.offset + s.length;) {
      const std::int64_t length = std::min((at / 4096 + 1) * 4096, s.offset + s.length) - at;
      look_at(at, length);
      at += length;
      position += length;
    }
  }
  const auto inside = [&](std::int64_t at) {
    return what_.is_self() || std::any_of(segments.begin(), segments.end(), [&](const RecordSegment& s) {
             return at >= s.offset && at < s.offset + s.length;
           });
  };
  std::int64_t outside = 0;
  for (std::int64_t page = 0; page < size; page += 4096) {
    if (!page_can_be_read_[static_cast<std::size_t>(page / 4096)]) continue;
    if (std::equal(buf_.now.begin() + page, buf_.now.begin() + page + 4096, buf_.expected.begin() + page)) continue;
    for (std::int64_t at = page; at < page + 4096; ++at) {
      const auto o = static_cast<std::size_t>(at);
      if (buf_.now[o] != buf_.expected[o] && !inside(at)) ++outside;
    }
  }
  out["mod_prefix"] = prefix;
  out["mod_total"] = changed;
  out["mod_last"] = last;
  out["mod_outside"] = outside;
  if (with_expected) {
    out["good_prefix"] = good_prefix;
    out["good_total"] = good;
  }
}

void Observation::put_tags(json& out) const {
  if (!what_.has_tags()) return;
  std::int64_t changed = 0;
  constexpr std::int64_t kGranules = 256;
  for (std::int64_t page = 0; page < what_.npages; ++page) {
    const bool odd = std::any_of(what_.prot.begin(), what_.prot.end(),
                                 [&](const RecordProt& p) { return p.page == page && p.kind != "coldtag"; });
    if (odd) continue;
    PageTags wanted;
    wanted.set_all(Tag{static_cast<std::uint8_t>(what_.ptag)}, kGranules);
    for (const RecordBad& bad : what_.bad) {
      const Tag tag{static_cast<std::uint8_t>(bad.tag.value_or(what_.ptag ^ 8U))};
      const std::int64_t first = std::max<std::int64_t>(bad.first - page * kGranules, 0);
      const std::int64_t end = std::min<std::int64_t>(bad.first + bad.count - page * kGranules, kGranules);
      for (std::int64_t g = first; g < end; ++g) wanted.set(static_cast<std::size_t>(g), tag, kGranules);
    }
    const Pte& pte = machine_.spaces[0]->pte(machine_.page_index(buf_.begin + static_cast<std::uint64_t>(page) * 4096));
    const PageTags tags = pte.state == PteState::zero ? PageTags{} : machine_.folio(pte.folio).tags;
    if (tags == wanted) continue;
    for (std::size_t g = 0; g < kGranules; ++g) changed += tags.at(g) == wanted.at(g) ? 0 : 1;
  }
  if (changed != 0) out["tags_changed"] = changed;
}

void Observation::put_faults(json& out) const {
  out["tagfaults"] = faults_.count();
  out["tf_off"] = json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(faults_.count(), 8); ++i) {
    out["tf_off"].push_back(static_cast<std::int64_t>(faults_.faults()[i].address.address() - buf_.begin));
  }
  if (faults_.count() > 0) out["tf_wnr"] = faults_.faults().front().kind == AccessKind::store ? 1 : 0;
}

std::array<std::int64_t, 3> Observation::sweep_point(std::int64_t length) const {
  const std::vector<std::int64_t> results = result_.all_results();
  const std::int64_t result = results.empty() ? 0 : results.back();
  const std::int64_t start = what_.pos * 16 + what_.align;
  const auto size = static_cast<std::int64_t>(buf_.now.size());
  std::int64_t n = 0;
  if (what_.arg != 0) {
    ByteValues there;
    if (what_.obj == "pipe") {
      there = queued(true);
    } else {
      const Folio& folio = machine_.folio({file_object_, 0});
      append_values(folio.contents.read(0, static_cast<std::uint32_t>(std::min<std::int64_t>(what_.length + 64, 4096))),
                    there);
    }
    ByteValues wanted(buf_.initial.begin() + start, buf_.initial.begin() + start + length);
    n = static_cast<std::int64_t>(common_prefix(there, wanted));
  } else {
    const auto at = [&](std::int64_t i) {
      return start + i < size ? buf_.now[static_cast<std::size_t>(start + i)] : kFill;
    };
    const ByteValues source = source_values(length + 32);
    while (n < length + 32 && at(n) == source[static_cast<std::size_t>(n)]) ++n;
    for (std::int64_t i = n; i < what_.length + 64; ++i) {
      if (at(i) != kFill) {
        n = -2 - i;
        break;
      }
    }
    for (std::int64_t i = 1; i <= 64; ++i) {
      if (start - i >= 0 && at(-i) != kFill) n = -1;
    }
  }
  if (result == length && n == length) return {-100, 0, -100};
  return {result < 0 ? -1 : result, result < 0 ? -result : 0, n};
}

}  // namespace mtesim
