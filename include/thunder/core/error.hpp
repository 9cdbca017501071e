#pragma once
/// What bad input at run time becomes. Every message names the argument it is about.
#include <stdexcept>

#include "text.hpp"

namespace thunder {

/// The base of all exceptions that thunder throws.
struct error : std::runtime_error { using std::runtime_error::runtime_error; };
/// A tensor's extents do not fit a declared shape, or one named dimension has two sizes.
struct shape_error : error { using error::error; };
/// A state lacks a parameter, holds another dtype, or has one too many.
struct state_error : error { using error::error; };
/// An argument overlaps what a program overwrites, or was donated before.
struct donation_error : error { using error::error; };
/// A result is not finite where the caller asked for finite results.
struct numeric_error : error { using error::error; };
/// A tensor is on another device than it is used on, or a CUDA device or a library on it reports an error.
struct device_error : error { using error::error; };
/// A file is missing, truncated or not what it claims to be.
struct io_error : error { using error::error; };

/// throw Error, with a message from parts. Out of line: what is rare makes no code where it is checked.
template <class Error> [[noreturn, gnu::noinline, gnu::cold]] void throw_error(std::initializer_list<text_part> parts) {
  throw Error(text_of(parts));
}

}  // namespace thunder
