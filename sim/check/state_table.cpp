#include "sim/check/state_table.h"

namespace mtesim {

namespace {

std::size_t parts_of(const CheckState& state) {
  const Machine& machine = state.work.machine;
  return machine.spaces.size() + machine.objects.size() + machine.pipes.size() + machine.sockets.size() +
         state.work.tasks.size();
}

Fingerprint print_of_rest(const CheckState& rest) {
  Fingerprint print = rest.fingerprint();
  if (!(rest.call_begin == Cow<CallBegin>{})) print += slot_print(1, rest.call_begin->fingerprint());
  return print;
}

template <class T>
void take(std::vector<Cow<T>>& parts, Interned<Cow<T>>& table, std::uint32_t*& numbers) {
  for (Cow<T>& part : parts) {
    const Fingerprint print = part->fingerprint();
    *numbers++ = table.number(std::exchange(part, Cow<T>{}), print);
  }
}

template <class T>
void put(std::vector<Cow<T>>& parts, const Interned<Cow<T>>& table, const std::uint32_t*& numbers) {
  for (Cow<T>& part : parts) part = table[*numbers++];
}

constexpr std::uint64_t kBlock = 32;  // what an allocation costs beside its bytes, and a reference count

}  // namespace

std::uint32_t StateTable::number(CheckState state) {
  std::vector<std::uint32_t> numbers(parts_of(state));
  std::uint32_t* next = numbers.data();
  Machine& machine = state.work.machine;
  take(machine.spaces, spaces_, next);
  take(machine.objects, objects_, next);
  take(machine.pipes, pipes_, next);
  take(machine.sockets, sockets_, next);
  for (TaskState& task : state.work.tasks) {
    const Fingerprint print = task.fingerprint();
    *next++ = tasks_.number(std::exchange(task, TaskState{}), print);
  }
  const std::uint32_t parts = fold(numbers.data(), numbers.size());
  const Fingerprint print = print_of_rest(state);
  return pair(rest_.number(std::move(state), print), parts);
}

CheckState StateTable::operator[](std::uint32_t number) const {
  const Pair top = pairs_[number];
  CheckState state = rest_[top.first];
  std::vector<std::uint32_t> numbers(parts_of(state));
  unfold(top.second, numbers.data(), numbers.size());
  const std::uint32_t* next = numbers.data();
  Machine& machine = state.work.machine;
  put(machine.spaces, spaces_, next);
  put(machine.objects, objects_, next);
  put(machine.pipes, pipes_, next);
  put(machine.sockets, sockets_, next);
  for (TaskState& task : state.work.tasks) task = tasks_[*next++];
  return state;
}

std::uint32_t StateTable::pair(std::uint32_t first, std::uint32_t second) {
  return pairs_.number({first, second}, Fingerprint{std::uint64_t{first} << 32 | second});
}

std::uint32_t StateTable::fold(const std::uint32_t* parts, std::size_t count) {
  if (count == 0) return 0;
  if (count == 1) return *parts;
  const std::size_t half = count / 2;
  return pair(fold(parts, half), fold(parts + half, count - half));
}

void StateTable::unfold(std::uint32_t number, std::uint32_t* parts, std::size_t count) const {
  if (count == 0) return;
  if (count == 1) {
    *parts = number;
    return;
  }
  const Pair halves = pairs_[number];
  const std::size_t half = count / 2;
  unfold(halves.first, parts, half);
  unfold(halves.second, parts + half, count - half);
}

std::uint64_t StateTable::bytes() const {
  const auto owned = [](const auto& table, std::uint64_t each) { return table.bytes() + table.size() * each; };
  return owned(rest_, 4 * kBlock) + owned(spaces_, sizeof(AddressSpace) + 64 * sizeof(Pte) + 4 * kBlock) +
         owned(objects_, sizeof(MemoryObject) + 32 * sizeof(FolioSlot) + sizeof(Folio) + 4 * kBlock) +
         owned(pipes_, sizeof(Pipe) + 4 * kBlock) + owned(sockets_, sizeof(Socket) + 4 * kBlock) +
         owned(tasks_, 2 * kBlock) + pairs_.bytes();
}

}  // namespace mtesim
