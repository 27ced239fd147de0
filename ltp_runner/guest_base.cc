// What every guest has: BusyBox, devices, a few files of /etc, and an init.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "ltp_runner/guest_boot.hh"

namespace lxnet::ltp {
namespace {

// BusyBox's own words for what tests and init use, and for what the kernel itself starts to load a module.
constexpr const char* kApplets[] = {"sh",    "mount", "umount", "ip", "ifconfig", "timeout", "poweroff", "cat",
                                    "echo",  "mkdir", "rm",     "ls", "grep",     "sed",     "awk",      "sleep",
                                    "env",   "head",  "kill",   "ps", "dmesg",    "gzip",    "zcat",     "mkfifo",
                                    "chmod", "stty",  "touch",  "id", "true"};
constexpr const char* kSystemApplets[] = {"modprobe", "insmod"};

constexpr char kInitHead[] =
    "#!/bin/sh\n"
    "mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev\n"
    "mkdir -p /dev/shm /dev/pts /tmp; mount -t tmpfs -o mode=1777 shm /dev/shm; mount -t tmpfs -o mode=1777 tmp /tmp\n"
    "mount -t devpts pts /dev/pts\n"
    "ifconfig lo up\n"
    "stty -onlcr </dev/console\n"
    "export PATH=/ltp/testcases/bin:/bin:/sbin LTPROOT=/ltp TMPDIR=/tmp LC_ALL=C LTP_COLORIZE_OUTPUT=0\n"
    "[ -e /ltp/kconfig ] && export KCONFIG_PATH=/ltp/kconfig\n"
    "run() {\n"
    "  echo \"@@ltp begin $1\"\n"
    "  (cd /tmp && timeout -s KILL $2 sh -c \"$3\" </dev/null 2>&1)\n"
    "  echo \"@@ltp end $1 $?\"\n"
    "}\n";
constexpr char kInitTail[] =
    "echo '@@ltp done'\n"
    "poweroff -f\n";

void add_etc(GuestArchive& archive) {
  archive.add_file("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", 0644);
  archive.add_file("/etc/group", "root:x:0:\nnogroup:x:65534:\nnobody:x:65534:\n", 0644);
  archive.add_file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n", 0644);
  archive.add_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n", 0644);
  for (const char* file : {"/etc/protocols", "/etc/services"}) static_cast<void>(archive.copy_file(file));
}

}  // namespace

absl::Status add_guest_base(GuestArchive& archive, const std::string& busybox) {
  archive.add_device("/dev/console", 5, 1);
  archive.add_device("/dev/null", 1, 3);
  for (const char* folder : {"/proc", "/sys", "/root"}) archive.add_folder(folder, 0755);
  archive.add_folder("/tmp", 01777);
  if (absl::Status status = archive.copy_program(busybox, "/bin/busybox"); !status.ok()) return status;
  for (const char* applet : kApplets) archive.add_link(absl::StrCat("/bin/", applet), "busybox");
  for (const char* applet : kSystemApplets) archive.add_link(absl::StrCat("/sbin/", applet), "../bin/busybox");
  add_etc(archive);
  return absl::OkStatus();
}

std::string guest_init(absl::string_view commands) { return absl::StrCat(kInitHead, commands, kInitTail); }

std::string shell_quoted(absl::string_view text) { return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'"); }

}  // namespace lxnet::ltp
