// What a guest boots: BusyBox, the tests and their libraries, a few files of /etc, and an init that runs one test after the
// other.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "ltp_runner/files.hh"
#include "ltp_runner/guest.hh"
#include "ltp_runner/guest_archive.hh"
#include "ltp_runner/guest_transcript.hh"

namespace lxnet::ltp {
namespace {

// BusyBox's own words for what tests and init use.
constexpr const char* kApplets[] = {"sh",    "mount", "umount", "ip", "ifconfig", "timeout", "poweroff", "cat",
                                    "echo",  "mkdir", "rm",     "ls", "grep",     "sed",     "awk",      "sleep",
                                    "env",   "head",  "kill",   "ps", "dmesg",    "gzip",    "zcat",     "mkfifo",
                                    "chmod", "stty",  "touch",  "id", "true"};

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

std::string quoted(const std::string& text) { return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'"); }

int seconds_of(const Row& row, const GuestOptions& options) {
  int own = row.test.entry.timeout_seconds;
  return own > 0 ? own : static_cast<int>(absl::ToInt64Seconds(options.timeout));
}

void add_etc(GuestArchive& archive) {
  archive.add_file("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", 0644);
  archive.add_file("/etc/group", "root:x:0:\nnogroup:x:65534:\nnobody:x:65534:\n", 0644);
  archive.add_file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n", 0644);
  archive.add_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n", 0644);
  for (const char* file : {"/etc/protocols", "/etc/services"}) static_cast<void>(archive.copy_file(file));
}

// The configuration that Debian keeps beside its kernels, which LTP asks for.
void add_configuration(GuestArchive& archive, const std::string& kernel) {
  size_t name = kernel.rfind("/vmlinuz-");
  if (name == std::string::npos) return;
  absl::StatusOr<std::string> text = read_file(absl::StrCat(kernel.substr(0, name), "/config-", kernel.substr(name + 9)));
  if (text.ok()) archive.add_file("/ltp/kconfig", *text, 0644);
}

}  // namespace

absl::StatusOr<std::string> guest_archive(const std::vector<const Row*>& rows, const GuestOptions& options) {
  GuestArchive archive;
  archive.add_device("/dev/console", 5, 1);
  archive.add_device("/dev/null", 1, 3);
  for (const char* folder : {"/proc", "/sys", "/root"}) archive.add_folder(folder, 0755);
  archive.add_folder("/tmp", 01777);
  if (absl::Status status = archive.copy_program(options.busybox, "/bin/busybox"); !status.ok()) return status;
  for (const char* applet : kApplets) archive.add_link(absl::StrCat("/bin/", applet), "busybox");
  add_etc(archive);
  add_configuration(archive, options.kernel);
  std::string init = kInitHead;
  for (const Row* row : rows) {
    const std::string& command = row->test.command;
    std::string program = absl::StrCat("/testcases/bin/", command.substr(0, command.find(' ')));
    absl::Status status = archive.copy_program(options.root + program, absl::StrCat("/ltp", program));
    if (!status.ok()) return status;
    absl::StrAppend(&init, "run ", quoted(row->test.entry.test), " ", seconds_of(*row, options), " ",
                    quoted(absl::StrJoin(row->test.entry.variables, " ") + " " + command), "\n");
  }
  archive.add_file("/init", init + kInitTail, 0755);
  return archive.finish();
}

}  // namespace lxnet::ltp
