// Clang's thread-safety annotations; every other compiler sees nothing.
//
// Rule kept: a field that a lock protects says so (GUARDED_BY), and a function that needs a lock says so (REQUIRES).
#pragma once

#if defined(__clang__)
#define LXNET_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define LXNET_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(name) LXNET_THREAD_ANNOTATION(capability(name))
#define SCOPED_CAPABILITY LXNET_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(lock) LXNET_THREAD_ANNOTATION(guarded_by(lock))
#define PT_GUARDED_BY(lock) LXNET_THREAD_ANNOTATION(pt_guarded_by(lock))
#define REQUIRES(...) LXNET_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) LXNET_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) LXNET_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) LXNET_THREAD_ANNOTATION(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) LXNET_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define ASSERT_CAPABILITY(lock) LXNET_THREAD_ANNOTATION(assert_capability(lock))
#define RETURN_CAPABILITY(lock) LXNET_THREAD_ANNOTATION(lock_returned(lock))
#define NO_THREAD_SAFETY_ANALYSIS LXNET_THREAD_ANNOTATION(no_thread_safety_analysis)
