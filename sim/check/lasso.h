#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/explore/cycles.h"
#include "sim/explore/graph.h"

namespace mtesim {

/// Shortest ways from the roots to every node, and of these the ones on which the environment acts least.
/// Time:    one pass over the edges. Memory: twelve bytes a node; a graph of more than kMostNodes is not looked at,
///          and the ways are those of the search itself, just as short.
class Ways {
 public:
  static constexpr std::size_t kMostNodes = std::size_t{1} << 22;
  explicit Ways(const explore::Graph& graph);
  [[nodiscard]] std::uint32_t depth(explore::NodeId node) const;
  [[nodiscard]] std::uint32_t actions(explore::NodeId node) const;
  [[nodiscard]] std::vector<explore::EdgeId> to(explore::NodeId node) const;

 private:
  [[nodiscard]] bool looked() const { return !depth_.empty(); }

  const explore::Graph& graph_;
  std::vector<std::uint32_t> depth_;
  std::vector<std::uint32_t> actions_;
  std::vector<std::uint32_t> last_;  // the edge by which a way comes to a node; means nothing for a root
};

/// Endless runs of edges that pass, on which each of `tasks` moves or is disabled somewhere: one for each strongly
/// connected component that has any, the shortest first.
/// Shape:   of one task, stem and loop together are the shortest of the component, and of these the stem with the
///          least actions is taken. Of several tasks, the entry is the component's first node, and the loop a shortest
///          one through it.
/// Returns: at most `most`, among the first kMostComponents components. Empty: there is none.
/// Time:    linear to know; to show, as long as it is cheap (kMostWork edges), else as for several tasks.
[[nodiscard]] std::vector<explore::Lasso> shortest_lassos(const explore::Graph& graph, const Ways& ways,
                                                          const explore::EdgeFilter& passes, explore::TaskSet tasks,
                                                          std::size_t most);
constexpr std::size_t kMostComponents = 256;
constexpr std::uint64_t kMostWork = std::uint64_t{1} << 22;

}  // namespace mtesim
