#include "sim/scenario/result.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

using Catch::Matchers::Contains;

/// A folder of its own for scenario files.
class Folder {
 public:
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "mtesim-test-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    const std::string file = path_ / name;
    std::ofstream(file) << text;
    return file;
  }

 private:
  std::filesystem::path path_;
};

std::vector<ScenarioReport> reports_of(const std::vector<std::string>& files, const CarryOut& how = {},
                                       unsigned jobs = 2) {
  std::vector<ScenarioReport> reports;
  carry_out(files, how, jobs, [&](ScenarioReport&& report) { reports.push_back(std::move(report)); });
  return reports;
}

ScenarioReport report_of(const Json& json, const CarryOut& how = {}) {
  const Folder folder;
  return reports_of({folder.write("x.json", json.dump())}, how).front();
}

/// The small example, expecting something.
Json expecting(const std::string& expect, const std::string& environment = "[]") {
  Json example = small_example();
  example["environment"] = Json::parse(environment);
  example["expect"] = Json::parse(expect);
  return example;
}

TEST_CASE("expectations that hold are told as holding", "[unit][scenario]") {
  for (const std::string expect :
       {R"({"run": {"results": [64], "rounds": 1, "tag_faults": 0, "no_return": false}})",
        R"({"check": {"verdict": "returns", "most_rounds": 1, "results": [64], "reached": ["returned_success"]}})"}) {
    const ScenarioReport report = report_of(expecting(expect));
    CAPTURE(expect);
    CHECK(report.status == Status::holds);
    REQUIRE(report.points.size() == 1);
    CHECK(report.points[0].violations.empty());
    CHECK(report.has_expectations);
  }
}

TEST_CASE("each kind of expectation that does not hold gives its sentence", "[unit][scenario]") {
  const auto [expect, sentence] = GENERATE(table<std::string, std::string>({
      {R"({"run": {"results": [63]}})", "run/results: expected 63, got 64"},
      {R"({"run": {"results": ["EFAULT"]}})", "run/results: expected EFAULT, got 64"},
      {R"({"run": {"no_return": true}})", "run/no_return: expected true, got false"},
      {R"({"run": {"rounds": 2}})", "run/rounds: expected 2, got 1"},
      {R"({"run": {"tag_faults": 1}})", "run/tag_faults: expected 1, got 0"},
      {R"({"check": {"verdict": "livelock"}})", "check/verdict: expected livelock, got returns"},
      {R"({"check": {"most_rounds": 3}})", "check/most_rounds: expected 3, got 1"},
      {R"({"check": {"results": [64, "EFAULT"]}})", "check/results: expected 64, EFAULT, got 64"},
      {R"({"check": {"reached": ["tag_fault"]}})", "check/reached: expected tag_fault, got never met: a vacuous pass"},
  }));
  const ScenarioReport report = report_of(expecting(expect));
  CHECK(report.status == Status::violated);
  REQUIRE(report.points.size() == 1);
  CHECK(report.points[0].violations == std::vector<std::string>{sentence});
}

TEST_CASE("killable is judged of a livelock", "[unit][scenario]") {
  Json example = full_example();
  example.erase("sweep");
  example["kernel"] = Json::parse(R"({"revision": "5.17"})");
  example.erase("environment");
  example["expect"] = Json::parse(
      R"({"run": {"no_return": true, "killable": true}, "check": {"verdict": "livelock", "killable": true}})");
  const ScenarioReport report = report_of(example);
  REQUIRE(report.points.size() == 1);
  CHECK(report.points[0].violations ==
        std::vector<std::string>{"run/killable: expected true, got false", "check/killable: expected true, got false"});
}

TEST_CASE("the design's example comes out as it expects where its kernel has the fault", "[unit][scenario]") {
  Json example = full_example();
  example["sweep"] = Json::parse(R"({"/memory/0/tags/0/granules": [257, 258]})");
  example["expect"]["check"]["killable"] = true;  // the software walk looks for fatal signals
  const ScenarioReport report = report_of(example);
  CHECK(report.error.empty());
  REQUIRE(report.points.size() == 2);
  for (const PointReport& point : report.points) CHECK(point.violations == std::vector<std::string>{});
  CHECK(report.status == Status::holds);
}

TEST_CASE("a check that was cut is unknown, unless that was expected", "[unit][scenario]") {
  CarryOut how;
  how.max_states = 1;
  CHECK(report_of(expecting("{}", R"([{"action": "sigkill"}])"), how).status == Status::unknown);
  CHECK(report_of(expecting(R"({"check": {"verdict": "returns"}})", R"([{"action": "sigkill"}])"), how).status !=
        Status::holds);
  CHECK(report_of(expecting(R"({"check": {"verdict": "bound"}})", R"([{"action": "sigkill"}])"), how).status ==
        Status::holds);
}

TEST_CASE("what is wrong with a file is in its report and does not stop the others", "[unit][scenario]") {
  const Folder folder;
  const std::vector<std::string> files = {folder.write("a.json", small_example().dump()), folder.write("b.json", "{"),
                                          folder.write("c.json", small_example().dump())};
  const std::vector<ScenarioReport> reports = reports_of(files);
  REQUIRE(reports.size() == 3);
  CHECK(reports[0].status == Status::holds);
  CHECK(reports[1].status == Status::refused);
  CHECK_THAT(reports[1].error, Contains("b.json:1:"));
  CHECK(reports[1].points.empty());
  CHECK(reports[2].status == Status::holds);
}

TEST_CASE("reports come in the order of the files, the same whatever the threads", "[unit][scenario]") {
  const Folder folder;
  std::vector<std::string> files;
  for (int i = 0; i < 8; ++i) {
    Json example = i % 2 == 0 ? small_example() : full_example();
    example["name"] = "n" + std::to_string(i);
    example.erase("environment");
    files.push_back(folder.write(std::to_string(i) + ".json", example.dump()));
  }
  std::vector<std::string> all;
  for (const unsigned jobs : {1u, 2u, 7u}) {
    std::string text;
    for (const ScenarioReport& report : reports_of(files, {}, jobs)) text += to_json(report, "0", -1) + "\n";
    all.push_back(text);
  }
  CHECK(all[0] == all[1]);
  CHECK(all[0] == all[2]);
  CHECK_THAT(all[0], Contains("\"n0\"") && Contains("\"n7\""));
}

TEST_CASE("an interrupt that came before leaves files out", "[unit][scenario]") {
  const Folder folder;
  const std::atomic<bool> interrupt{true};
  CarryOut how;
  how.interrupt = &interrupt;
  for (const ScenarioReport& report : reports_of({folder.write("a.json", small_example().dump())}, how)) {
    CHECK(report.status == Status::unknown);
  }
}

TEST_CASE("a JSON report says what was carried out, with what and how it came out", "[unit][scenario]") {
  Json example = full_example();
  example["sweep"] = Json::parse(R"({"/kernel/revision": ["5.17", "7.3"]})");
  example["kernel"].erase("change");
  example["environment"] = Json::parse(R"([{"action": "sigkill"}])");
  const ScenarioReport report = report_of(example);
  const Json j = Json::parse(to_json(report, "1.2.3", 2));
  CHECK(j["format"] == "mtesim-result");
  CHECK(j["program_version"] == "1.2.3");
  CHECK(j["name"] == "search-ioctl/page-probe");
  CHECK(j["status"] == "violated");  // 7.3 returns
  CHECK(j["digest"].get<std::string>().size() == 32);
  REQUIRE(j["points"].size() == 2);
  const Json& first = j["points"][0];
  CHECK(first["at"]["/kernel/revision"] == "5.17");
  CHECK(first["run"]["end"] == "livelock");
  CHECK(first["run"]["killable"] == false);
  CHECK(first["run"]["cycle_rounds"] == 1);
  CHECK(first["run"]["counts"]["tag_faults"].get<int>() > 0);
  CHECK(first["check"]["verdict"] == "livelock");
  CHECK(first["check"]["witnesses"][0]["loop"].size() == 1);
  CHECK(first["violations"].empty());
  const Json& second = j["points"][1];
  CHECK(second["run"]["end"] == "returned");
  CHECK(second["run"]["results"] == Json::array({"EFAULT"}));
  CHECK(second["check"]["verdict"] == "returns");
  CHECK(second["check"]["results"] == Json::array({"EFAULT"}));
  CHECK(second["check"]["complete"] == true);
  CHECK(second["violations"].size() == 2);
  // On one line, it is one line and says the same.
  const std::string line = to_json(report, "1.2.3", -1);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(Json::parse(line) == j);
}

TEST_CASE("the effective configuration is a scenario that is read as the same one", "[unit][scenario]") {
  for (const Json& example : {full_example(), small_example()}) {
    const ScenarioReport report = report_of(example);
    const Scenario again = parse_scenario(parse_json_text(report.configuration, "again.json"));
    CHECK(again == parse_scenario(as_text(example)));
    CHECK(Json::parse(to_json(report, "0", -1))["configuration"] == Json::parse(report.configuration));
    CHECK_THAT(report.configuration, Contains("neoverse-v2"));  // also what was left to its default
  }
}

TEST_CASE("results are told as counts or as the names of errors", "[unit][scenario]") {
  CHECK(result_word(0) == "0");
  CHECK(result_word(16384) == "16384");
  CHECK(result_word(-14) == "EFAULT");
  CHECK(result_word(-4) == "EINTR");
  CHECK(result_words({64, -14}) == "64, EFAULT");
  CHECK(result_words({}).empty());
}

}  // namespace
}  // namespace mtesim::test
