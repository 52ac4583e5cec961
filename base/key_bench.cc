// What a key costs where it comes in, with so many segments: BM_ParseKey (from a request), BM_KeyFromNormal (from disk), BM_CompareKeys (of
// siblings, which differ at the end).
#include <benchmark/benchmark.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/key.h"

namespace scoutlight {
namespace {

std::string PathOf(int segments) {
  std::string path;
  for (int i = 0; i < segments; ++i) absl::StrAppend(&path, "/segment", i % 10);
  return path;
}

void BM_ParseKey(benchmark::State& state) {
  const std::string path = PathOf(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Key::Parse(path));
}
BENCHMARK(BM_ParseKey)->Arg(1)->Arg(5)->Arg(32);

void BM_KeyFromNormal(benchmark::State& state) {
  const std::string path = PathOf(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Key::FromNormal(path));
}
BENCHMARK(BM_KeyFromNormal)->Arg(5)->Arg(32);

void BM_CompareKeys(benchmark::State& state) {
  const std::string path = PathOf(static_cast<int>(state.range(0)));
  const Key a = Key::Parse(path + "a").value(), b = Key::Parse(path + "b").value();
  for (auto _ : state) benchmark::DoNotOptimize(a < b);
}
BENCHMARK(BM_CompareKeys)->Arg(5)->Arg(32);

}  // namespace
}  // namespace scoutlight

BENCHMARK_MAIN();
