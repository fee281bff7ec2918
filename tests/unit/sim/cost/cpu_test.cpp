#include "sim/cost/cpu.h"

#include <catch2/catch.hpp>
#include <set>

namespace mtesim::test {
namespace {

TEST_CASE("every CPU has every figure, within its bounds, and says where it is from", "[unit][cost]") {
  REQUIRE(cpus().size() >= 4);
  for (const NamedCpu& cpu : cpus()) {
    CAPTURE(cpu.name);
    CHECK(find_cpu(cpu.name) == &cpu);
    CHECK_FALSE(cpu.about.empty());
    CHECK(what_is_wrong(cpu.cpu).empty());
    REQUIRE(cpu.sources.size() == cpu_figures().size());
    for (std::size_t i = 0; i < cpu_figures().size(); ++i) {
      const CpuFigure& figure = cpu_figures()[i];
      CAPTURE(figure.name);
      CHECK(cpu.cpu.*figure.value >= figure.least);
      CHECK(cpu.cpu.*figure.value <= figure.most);
      const std::string_view source = cpu.sources[i];
      const bool says = source.find('[') != std::string_view::npos || source.starts_with("estimate: ");
      CHECK(says);
    }
  }
  CHECK(find_cpu("pentium") == nullptr);
}

TEST_CASE("figures have one name each", "[unit][cost]") {
  std::set<std::string_view> names;
  for (const CpuFigure& figure : cpu_figures()) {
    CHECK(names.insert(figure.name).second);
    CHECK(find_cpu_figure(figure.name) == &figure);
    CHECK_FALSE(figure.about.empty());
  }
  CHECK(sizeof(Cpu) == names.size() * sizeof(std::uint32_t));  // nothing of a CPU lacks a name
  CHECK(find_cpu_figure("l4_bytes") == nullptr);
}

TEST_CASE("what no cache can be is told", "[unit][cost]") {
  Cpu cpu = find_cpu("neoverse-v2")->cpu;
  cpu.l2_bytes = 100000;
  CHECK(what_is_wrong(cpu).starts_with("l2: "));
  cpu = find_cpu("neoverse-v2")->cpu;
  cpu.l3_bytes = 0;
  cpu.tag_cache_bytes = 0;
  CHECK(what_is_wrong(cpu).empty());
  cpu.l1_tlb_ways = 32;
  CHECK(what_is_wrong(cpu).starts_with("l1_tlb: "));
}

}  // namespace
}  // namespace mtesim::test
