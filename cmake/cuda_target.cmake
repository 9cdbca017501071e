# The target thunder::cuda, where a CUDA toolkit is found: thunder::thunder, the CUDA runtime and cuBLASLt. The package's configuration
# includes this file too.
find_package(CUDAToolkit QUIET)
if(CUDAToolkit_FOUND AND NOT TARGET thunder::cuda)
  add_library(thunder::cuda INTERFACE IMPORTED GLOBAL)
  target_link_libraries(thunder::cuda INTERFACE thunder::thunder CUDA::cudart CUDA::cublasLt)
endif()
