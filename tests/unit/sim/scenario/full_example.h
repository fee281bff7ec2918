// The example of the design, with a tree for its ioctl to find, and small edits of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/scenario/build.h"

namespace mtesim::test {

using Json = nlohmann::ordered_json;

[[nodiscard]] inline Json full_example() {
  return Json::parse(R"({
  "$schema": "../scenario.schema.json",
  "name": "search-ioctl/page-probe",
  "about": "The probe sees byte 0 of the page; the 32-byte header needs granule 1 too.",
  "machine": { "cpu": "neoverse-v2", "page_size": 4096, "scheme": "mte" },
  "kernel":  { "revision": "5.17", "change": { "btrfs_search_ioctl.probe": "fault_in_safe_writeable" } },
  "process": { "tcf": "sync", "tagged_addr_abi": true },
  "memory":  [ { "name": "buf", "kind": "anonymous", "pages": 5, "prot": "rwt", "tag": 5, "present": true,
                 "tags": [ { "granules": "257", "tag": 6 } ] } ],
  "files":   [ { "name": "f", "fs": "btrfs", "size_bytes": 65536, "cache": "cold",
                 "tree": [ { "items": 4, "item_size_bytes": 1000 }, { "items": 4, "item_size_bytes": 1000 } ] } ],
  "calls":   [ { "ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": 16384, "pointer_tag": 5 } ],
  "environment": [ { "action": "evict", "where": "buf", "budget": 2 }, { "action": "sigkill" } ],
  "sweep":   { "/memory/0/tags/0/granules": { "from": 256, "to": 259 }, "/kernel/revision": ["5.17", "5.19", "7.3"] },
  "expect":  { "run": { "no_return": true }, "check": { "verdict": "livelock", "killable": false } }
})");
}

/// A small scenario that returns: 64 bytes of /dev/zero into one page.
[[nodiscard]] inline Json small_example() {
  return Json::parse(R"({
  "name": "small",
  "memory": [ { "name": "buf", "pages": 1, "prot": "rwt", "tag": 5 } ],
  "files":  [ { "name": "z", "fs": "zero" } ],
  "calls":  [ { "read": "z", "buffer": "buf+0", "count_bytes": 64, "pointer_tag": 5 } ]
})");
}

[[nodiscard]] inline JsonText as_text(const Json& json) { return parse_json_text(json.dump(1), "x.json"); }

[[nodiscard]] inline Built built(const Json& json) {
  const JsonText text = as_text(json);
  return build(parse_scenario(text), text);
}

/// What is wrong with it, a line each, by the reader or the builder.
[[nodiscard]] inline std::vector<Complaint> complaints(const Json& json) {
  try {
    const JsonText text = as_text(json);
    const Scenario scenario = parse_scenario(text);
    for (const SweepPoint& point : sweep_points(text, scenario)) {
      static_cast<void>(build(point.at.empty() ? scenario : parse_scenario(point.text), point.text));
    }
  } catch (const ScenarioError& error) {
    return error.complaints();
  }
  return {};
}

}  // namespace mtesim::test
