#include "hosts/packetdrill/redirect.hh"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace lxnet::packetdrill {
namespace {

struct Search {
  const char* name;
  void* replacement;
  bool is_found = false;
};

struct Imports {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  const ElfW(Rela) * tables[2] = {};
  size_t sizes[2] = {};
};

Imports imports_of(const dl_phdr_info& program) {
  Imports imports;
  for (int i = 0; i < program.dlpi_phnum; ++i) {
    if (program.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(program.dlpi_addr + program.dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      // The loader has made these addresses absolute.
      if (entry->d_tag == DT_SYMTAB) imports.symbols = reinterpret_cast<const ElfW(Sym)*>(entry->d_un.d_ptr);
      if (entry->d_tag == DT_STRTAB) imports.strings = reinterpret_cast<const char*>(entry->d_un.d_ptr);
      if (entry->d_tag == DT_JMPREL) imports.tables[0] = reinterpret_cast<const ElfW(Rela)*>(entry->d_un.d_ptr);
      if (entry->d_tag == DT_PLTRELSZ) imports.sizes[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
      if (entry->d_tag == DT_RELA) imports.tables[1] = reinterpret_cast<const ElfW(Rela)*>(entry->d_un.d_ptr);
      if (entry->d_tag == DT_RELASZ) imports.sizes[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
    }
  }
  return imports;
}

void write_pointer(void** slot, void* value) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  void* start = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(slot) & ~(page - 1));
  if (mprotect(start, page, PROT_READ | PROT_WRITE) == 0) *slot = value;
}

int visit(dl_phdr_info* program, size_t, void* context) {
  Search& search = *static_cast<Search*>(context);
  const Imports imports = imports_of(*program);
  for (int table = 0; table < 2; ++table) {
    for (size_t i = 0; i < imports.sizes[table] && imports.tables[table] != nullptr; ++i) {
      const ElfW(Rela)& relocation = imports.tables[table][i];
      const uint32_t symbol = static_cast<uint32_t>(ELF64_R_SYM(relocation.r_info));
      if (symbol == 0 || strcmp(imports.strings + imports.symbols[symbol].st_name, search.name) != 0) continue;
      write_pointer(reinterpret_cast<void**>(program->dlpi_addr + relocation.r_offset), search.replacement);
      search.is_found = true;
    }
  }
  return 1;  // the first is the program; look no further
}

}  // namespace

bool redirect_import(const char* name, void* replacement) {
  Search search{.name = name, .replacement = replacement};
  dl_iterate_phdr(visit, &search);
  return search.is_found;
}

}  // namespace lxnet::packetdrill
