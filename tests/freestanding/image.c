/* image.c: what is linked with all of the core and hosts/template to prove that lxnet needs nothing else: the four functions that
 * compilers call on their own, and an entry. It is linked, never run.
 */
#include <stddef.h>
#include <stdint.h>

int network_start(void);
int64_t network_syscall(uint32_t number, const uint64_t arguments[6]);
int network_add_card(const uint8_t mac[6], void* card);

void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* a, const void* b, size_t size);

/* Volatile, so that no compiler makes a call to the very function of its loop. */
void* memcpy(void* to, const void* from, size_t size) {
  volatile unsigned char* out = to;
  const unsigned char* in = from;
  for (size_t i = 0; i < size; ++i) out[i] = in[i];
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  volatile unsigned char* out = to;
  const volatile unsigned char* in = from;
  if ((uintptr_t)to < (uintptr_t)from) return memcpy(to, from, size);
  for (size_t i = size; i > 0; --i) out[i - 1] = in[i - 1];
  return to;
}

void* memset(void* to, int value, size_t size) {
  volatile unsigned char* out = to;
  for (size_t i = 0; i < size; ++i) out[i] = (unsigned char)value;
  return to;
}

int memcmp(const void* a, const void* b, size_t size) {
  const unsigned char* left = a;
  const unsigned char* right = b;
  for (size_t i = 0; i < size; ++i) {
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  }
  return 0;
}

void kernel_entry(void);
void kernel_entry(void) {
  const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
  const uint64_t arguments[6] = {0};
  network_start();
  network_add_card(mac, NULL);
  network_syscall(0, arguments);
}
