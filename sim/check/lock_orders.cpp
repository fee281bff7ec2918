#include "sim/check/lock_orders.h"

#include <algorithm>
#include <deque>
#include <set>

namespace mtesim {

void LockOrders::add(const LockOrder& order) {
  const LockId& held = order.held.lock;
  const LockId& wanted = order.wanted.lock;
  const auto key = std::pair(Class{held.kind, held.object}, Class{wanted.kind, wanted.object});
  const auto [at, fresh] = seen_.emplace(key, order);
  // The least of what was seen stands for all, whoever came first.
  const auto rank = [](const LockOrder& o) {
    return std::tuple(o.task.n, o.call, o.held.mode, o.wanted.mode, o.held.lock.index, o.held.lock.count,
                      o.wanted.lock.index, o.wanted.lock.count);
  };
  if (!fresh && rank(order) < rank(at->second)) at->second = order;
}

void LockOrders::add(const LockOrders& others) {
  for (const auto& [key, order] : others.seen_) add(order);
}

std::vector<LockOrder> LockOrders::all() const {
  std::vector<LockOrder> orders;
  for (const auto& [key, order] : seen_) orders.push_back(order);
  return orders;
}

std::vector<LockInversion> LockOrders::inversions() const {
  // Of two kinds, any object stands for its kind; within one kind, objects are told apart.
  const auto leads_on = [](const LockOrder& from, const LockOrder& to) {
    const LockId& a = from.wanted.lock;
    const LockId& b = to.held.lock;
    const bool within_kind = from.held.lock.kind == a.kind || b.kind == to.wanted.lock.kind;
    return a.kind == b.kind && (!within_kind || a.object == b.object);
  };
  const std::vector<LockOrder> orders = all();
  std::vector<LockInversion> found;
  std::set<std::set<std::pair<Class, Class>>> known;
  const auto what = [](const LockOrder& order) {
    const LockId& a = order.held.lock;
    const LockId& b = order.wanted.lock;
    return a.kind == b.kind ? std::pair(Class{a.kind, a.object}, Class{b.kind, b.object})
                            : std::pair(Class{a.kind, 0}, Class{b.kind, 0});
  };
  for (std::size_t start = 0; start < orders.size(); ++start) {
    std::vector<std::optional<std::size_t>> came_from(orders.size());
    std::deque<std::size_t> queue{start};
    std::optional<std::size_t> closes;
    while (!queue.empty() && !closes) {
      const std::size_t here = queue.front();
      queue.pop_front();
      if (here != start && leads_on(orders[here], orders[start])) {
        closes = here;
        break;
      }
      for (std::size_t next = 0; next < orders.size(); ++next) {
        if (next == start || came_from[next] || !leads_on(orders[here], orders[next])) continue;
        came_from[next] = here;
        queue.push_back(next);
      }
    }
    if (!closes) continue;
    std::vector<std::size_t> way{*closes};
    while (way.back() != start) way.push_back(*came_from[way.back()]);
    std::reverse(way.begin(), way.end());
    LockInversion inversion;
    std::set<std::pair<Class, Class>> circle;
    for (const std::size_t n : way) {
      inversion.push_back(orders[n]);
      circle.insert(what(orders[n]));
    }
    if (known.insert(std::move(circle)).second) found.push_back(std::move(inversion));
  }
  return found;
}

std::vector<LockRequest>& LockOrderWatch::held() {
  if (!held_) {
    held_ = locks_.held_by(task_);
    if (const Locks::Waiter* waiter = locks_.waiter(task_)) {  // the step takes these again
      for (const LockRequest& kept : waiter->kept) held_->erase(std::find(held_->begin(), held_->end(), kept));
    }
  }
  return *held_;
}

void LockOrderWatch::asked(const LockRequest& request, LockOrders& into) {
  for (const LockRequest& one : held()) {
    const bool same = one.lock.kind == request.lock.kind && one.lock.object == request.lock.object;
    if (!same) into.add({one, request, task_, call_});
  }
}

void LockOrderWatch::observe(const Event& event, LockOrders& into) {
  if (const auto* taken = std::get_if<LockTaken>(&event)) {
    const LockRequest request{taken->lock, taken->mode};
    asked(request, into);
    held().push_back(request);
  } else if (const auto* contended = std::get_if<LockContended>(&event)) {
    asked({contended->lock, contended->mode}, into);
  } else if (const auto* released = std::get_if<LockReleased>(&event)) {
    const auto mine = std::find_if(held().rbegin(), held().rend(),
                                   [&](const LockRequest& one) { return one.lock == released->lock; });
    if (mine != held().rend()) held().erase(std::next(mine).base());
  }
}

}  // namespace mtesim
