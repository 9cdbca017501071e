"""Recipe for Conan 2 of the tree that it lies in: conan create packaging/conan

OpenBLAS is Conan's; with -o "thunder/*:system_openblas=True" it is the one that CMake finds on the system. A build that threads through OpenMP
shares its threads with thunder's loops, and is the better one if there is a choice.
"""
import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class ThunderConan(ConanFile):
    name = "thunder"
    description = "A deep-learning compiler as a header-only C++20 library"
    license = "Apache-2.0"
    topics = ("deep-learning", "compiler", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"system_openblas": [True, False]}
    default_options = {"system_openblas": False}
    no_copy_source = True

    def _tree(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._tree(), "CMakeLists.txt"))
        self.version = re.search(r"project\(thunder VERSION ([\d.]+)", text).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*"):
            copy(self, pattern, self._tree(), self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        if not self.options.system_openblas:
            self.requires("openblas/[>=0.3.20 <1]", transitive_headers=True, transitive_libs=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def generate(self):
        toolchain = CMakeToolchain(self)
        for part in ("TESTS", "EXAMPLES", "BENCH"):
            toolchain.cache_variables[f"THUNDER_BUILD_{part}"] = False
        toolchain.cache_variables["THUNDER_INSTALL"] = True
        toolchain.generate()

    def package(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # find_package(thunder) reads the package's own files, which bring the compiler's options and find OpenMP and OpenBLAS.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = [os.path.join("share", "cmake", "thunder")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
