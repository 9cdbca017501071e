#pragma once
/// Where memory lives.
#include <cstdint>

namespace thunder {

/// The kinds of memory that a tensor can be in.
enum class device : std::uint8_t { cpu, cuda };

/// "cpu" or "cuda".
constexpr const char* name_of(device d) { return d == device::cpu ? "cpu" : "cuda"; }

}  // namespace thunder
