#include "sim/conform/tag_programs.h"

#include <catch2/catch.hpp>
#include <fstream>

namespace mtesim::test {
namespace {

using Json = nlohmann::json;

struct TagRecord {
  std::string id;
  TagCase what;
  Json result;
};

/// "5.10" of "5.10.0-34-arm64".
std::string revision_of(const std::string& release) {
  return release.substr(0, release.find_first_not_of("0123456789", release.find('.') + 1));
}

std::vector<TagRecord> records() {
  std::vector<TagRecord> all;
  std::ifstream file("tests/conform/f.jsonl");
  for (std::string line; std::getline(file, line);) {
    const Json record = Json::parse(line);
    const Json& what = record["case"];
    all.push_back({record["id"],
                   {what["sub"], what.value("kind", ""), what.value("arg", std::int64_t{0}), what.value("tcf", ""),
                    revision_of(record["kernel"])},
                   record["result"]});
  }
  return all;
}

TEST_CASE("every record of tag semantics comes out of the model as it did on its kernel", "[unit][conform]") {
  const std::vector<TagRecord> all = records();
  REQUIRE(all.size() == 138);
  for (const TagRecord& record : all) {
    CAPTURE(record.id, record.what.revision, record.what.sub, record.what.kind, record.what.arg, record.what.tcf);
    CHECK(tag_differences(record.result, carry_out(record.what)) == std::vector<std::string>{});
  }
}

}  // namespace
}  // namespace mtesim::test
