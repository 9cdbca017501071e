# Fails if a file is missing or has more bytes than `most`: cmake -D file=.. -D most=.. -P size.cmake
file(SIZE "${file}" size)
message(STATUS "${file}: ${size} bytes (at most ${most})")
if(size GREATER most)
  message(FATAL_ERROR "the file is too large")
endif()
