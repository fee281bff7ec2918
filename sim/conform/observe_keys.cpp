#include <algorithm>

#include "model/mm/fault.h"
#include "sim/conform/observe.h"
#include "sim/conform/search_fixture.h"
#include "sim/conform/translate.h"

namespace mtesim {

using nlohmann::json;

/// A page of the file as a read of it finds it.
Contents Observation::file_page(std::uint32_t page) const {
  const Folio& folio = machine_.folio({file_object_, page});
  return folio.in_cache && folio.uptodate ? folio.contents : contents_on_disk(machine_, {file_object_, page});
}

void Observation::put_file(json& out) const {
  const std::int64_t result = out.contains("ret") ? out["ret"].get<std::int64_t>() : 0;
  if (!what_.op.starts_with("p")) out["pos_after"] = what_.foff + std::max<std::int64_t>(result, 0);
  if (!what_.is_write() && !what_.is_self()) return;
  const MemoryObject& file = *machine_.objects[file_object_];
  const auto size = static_cast<std::int64_t>(file.size.n);
  ByteValues now;
  for (std::int64_t page = 0; page * 4096 < size; ++page) {
    append_values(file_page(static_cast<std::uint32_t>(page)).read(0, 4096), now);
  }
  std::int64_t total_new = 0, prefix = 0, old = 0, zero = 0, other = 0, outside = 0;
  bool in_prefix = true;
  const ByteValues source = gathered();
  const auto total = static_cast<std::int64_t>(source.size());
  const ByteValues& data = file_values();
  const std::int64_t had = what_.fmode == "data" ? std::min(what_.fsize, std::ssize(data)) : 0;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int16_t before = i < had ? data[static_cast<std::size_t>(i)] : std::int16_t{0};
    const std::int16_t value = now[static_cast<std::size_t>(i)];
    if (i < what_.foff || i >= what_.foff + total) {
      outside += value != before ? 1 : 0;
      continue;
    }
    if (value == source[static_cast<std::size_t>(i - what_.foff)]) {
      ++total_new;
      if (in_prefix) ++prefix;
      continue;
    }
    in_prefix = false;
    if (value == before) {
      ++old;
    } else if (value == 0) {
      ++zero;
    } else {
      ++other;
    }
  }
  if (what_.obj != "tmpfs" && what_.is_write()) out["c_same"] = 1;  // the disk gets what the cache had
  out["f_size"] = size;
  out["f_new_prefix"] = prefix;
  out["f_new_total"] = total_new;
  out["f_old"] = old;
  out["f_zero"] = zero;
  out["f_other"] = other;
  out["f_outside"] = outside;
}

/// What whoever empties the pipe or socket gets; of a datagram socket, all datagrams after each other.
ByteValues Observation::queued(bool all) const {
  ByteValues values;
  if (what_.obj == "pipe" || what_.op == "vmsplice") {
    for (const Pipe::Buffer& buffer : machine_.pipes.front()->buffers) append_values(buffer.bytes, values);
    return values;
  }
  for (const Socket::Skb& skb : machine_.sockets.front()->queue) {
    append_values(skb.bytes.slice(skb.consumed.n, (skb.bytes.size() - skb.consumed).n), values);
    if (!all) break;
  }
  return values;
}

void Observation::put_queue(json& out) const {
  const ByteValues values = queued(true);
  if (!what_.is_write()) {
    out["q_left"] = values.size();
    if (values.empty()) return;
    std::int64_t first = -1;
    for (std::int64_t i = 0; values.size() >= 8 && i + 8 <= what_.fsize && first < 0; ++i) {
      bool same = true;
      for (std::int64_t j = 0; j < 8 && same; ++j) {
        same = values[static_cast<std::size_t>(j)] == file_byte(static_cast<std::uint64_t>(i + j));
      }
      if (same) first = i;
    }
    out["q_left_first"] = first;
    return;
  }
  std::int64_t arrived = 0, prefix = 0;
  bool in_prefix = true;
  const ByteValues wanted = gathered();
  for (std::size_t i = 0; i < wanted.size() && i < values.size(); ++i) {
    if (values[i] == wanted[i]) {
      ++arrived;
      if (in_prefix) ++prefix;
    } else {
      in_prefix = false;
    }
  }
  out["q_bytes"] = values.size();
  out["q_new_prefix"] = prefix;
  out["q_new_total"] = arrived;
}

void Observation::put_plain(json& out) const {
  if (!what_.region_is_source()) return;
  ByteValues spliced;
  if (what_.op == "vmsplice") {  // read out of the pipe into the plain buffer
    spliced = queued(true);
    out["q_bytes"] = spliced.size();
    spliced.resize(kPlainPages * 4096, kFill);
  }
  const ByteValues& there = what_.op == "vmsplice" ? spliced : plain_.now;
  std::int64_t right = 0, prefix = 0;
  bool in_prefix = true;
  const ByteValues wanted = gathered();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (there[i] == wanted[i]) {
      ++right;
      if (in_prefix) ++prefix;
    } else {
      in_prefix = false;
    }
  }
  out["dst_prefix"] = prefix;
  out["dst_total"] = right;
}

void Observation::put_futex(json& out) const {
  if (result_.end != RunEnd::returned) return;
  for (std::size_t s = 0; s < std::min<std::size_t>(what_.segs.size(), 2); ++s) {
    out[s == 0 ? "word0" : "word1"] = word_at(what_.segs[s].offset);
  }
}

namespace {

/// The answer of a tree search begins with its key, and of the second version the size of the room.
std::int64_t search_header(const RecordCase& what) { return what.op == "ts2" ? 112 : 104; }
std::int64_t room_for_results(const RecordCase& what) { return what.op == "ts2" ? what.segs[0].length : 4096 - 104; }

}  // namespace

void Observation::put_key(const std::function<void(std::int64_t, std::int16_t)>& put) const {
  const std::int64_t begin = what_.segs[0].offset;
  const auto put_number = [&](std::int64_t at, std::uint64_t number, int bytes) {
    for (int b = 0; b < bytes; ++b) put(begin + at + b, static_cast<std::int16_t>(number >> (8 * b) & 0xff));
  };
  const std::uint64_t all = ~std::uint64_t{0};
  put_number(0, 0, 8);  // tree, objects, offsets, transactions, types; how many
  put_number(8, 0, 8);
  put_number(16, all, 8);
  put_number(24, 0, 8);
  put_number(32, all, 8);
  put_number(40, 0, 8);
  put_number(48, all, 8);
  put_number(56, 0, 4);
  put_number(60, 255, 4);
  put_number(64, what_.nri != 0 ? static_cast<std::uint64_t>(what_.nri) : all, 4);
  for (std::int64_t at = 68; at < 104; at += 4) put_number(at, 0, 4);
  if (what_.op == "ts2") put_number(104, static_cast<std::uint64_t>(room_for_results(what_)), 8);
}

void Observation::append_answer(std::int64_t position, std::int64_t length, ByteValues& to) const {
  const std::int64_t header = search_header(what_);
  for (std::int64_t at = position; at < position + length; ++at) {
    const auto o = static_cast<std::size_t>(at < header ? what_.segs[0].offset + at : at - header);
    const ByteValues& from = at < header ? buf_.initial : recorded_results();
    to.push_back(o < from.size() ? from[o] : kNoValue);
  }
}

void Observation::put_search(json& out) const {
  const RecordSegment& whole = what_.segs[0];
  const std::int64_t header = search_header(what_);
  const std::int64_t room = room_for_results(what_);
  const std::vector<RecordSegment> results{{whole.offset + header, room, whole.tag}};
  put_buffer(out, results, false);
  const auto is_odd = [&](const RecordProt& p) { return p.page == whole.offset / 4096 && p.kind != "coldtag"; };
  if (std::any_of(what_.prot.begin(), what_.prot.end(), is_odd)) return;
  const std::uint32_t items = word_at(whole.offset + 64);
  out["out_items"] = items;
  if (what_.op == "ts2") out["out_bufsize"] = word_at(whole.offset + 104);
  const auto is_there = [](bool there) { return there; };
  if (out["ret"] != 0 || !std::all_of(page_can_be_read_.begin(), page_can_be_read_.end(), is_there)) return;
  const SearchExtent wanted = search_extent(room, what_.nri);
  const SearchExtent found = search_extent(room, static_cast<std::int64_t>(items));
  const auto begin = buf_.now.begin() + whole.offset + header;
  const bool same = std::equal(begin, begin + wanted.end, recorded_results().begin());
  out["out_end"] = found.end;
  out["same_as_ref"] = found.end == wanted.end && same ? 1 : 0;
}

void Observation::put_reference(json& out) const {
  const SearchExtent extent = search_extent(room_for_results(what_), what_.nri);
  const bool found = !extent.overflow || what_.op == "ts1";
  out["ref_ret"] = found ? 0 : -1;
  out["ref_errno"] = found ? 0 : static_cast<int>(Errno::eoverflow);
  out["ref_items"] = found ? extent.items : 0;
  out["ref_end"] = found ? extent.end : 0;
  out["hdr"] = search_header(what_);
  if (what_.badend) out["badend_granule"] = badend_granule(what_);
}

std::int64_t badend_granule(const RecordCase& what) {
  const SearchExtent extent = search_extent(room_for_results(what), what.nri);
  return (what.segs[0].offset + search_header(what) + extent.end) / 16 + *what.badend;
}

}  // namespace mtesim
