package system

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A call is a system call of one thread that succeeded, as strace(1) wrote it.
type call struct {
	name, args, result string
	apart              bool // made in the network namespace in which rules are rehearsed
}

func (c call) String() string { return fmt.Sprintf("%s(%.400s) = %s", c.name, c.args, c.result) }

// A trace is every call of every thread below a command.
type trace []call

var (
	traced   = "--trace=%file,%process,%network,write,writev,pwrite64,sendfile,copy_file_range,ftruncate,fchmod,fchown,fallocate,fsetxattr,fremovexattr,futimesat,unshare,ioctl,bpf,init_module,finit_module,delete_module,settimeofday,clock_settime"
	callLine = regexp.MustCompile(`^(\w+)\((.*)\) += (.*)$`)
	childPID = regexp.MustCompile(`(\d+) in strace's PID NS|^(\d+)$`)
)

// readTrace reads what strace -ff wrote, a file a thread.
func readTrace(prefix string) (trace, error) {
	files, err := filepath.Glob(prefix + ".*")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("strace left no %s.*: %w", prefix, err)
	}
	threads := make(map[int][]call)
	isChild := make(map[int]bool)
	for _, file := range files {
		pid, err := strconv.Atoi(strings.TrimPrefix(file, prefix+"."))
		if err != nil {
			return nil, err
		}
		if threads[pid], err = readThread(file); err != nil {
			return nil, err
		}
		for _, c := range threads[pid] {
			isChild[c.child()] = true
		}
	}
	var t trace
	for pid := range threads {
		if !isChild[pid] {
			t.follow(threads, pid, false)
		}
	}
	return t, nil
}

func readThread(file string) ([]call, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var calls []call
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		m := callLine.FindStringSubmatch(lines.Text())
		if m != nil && !strings.HasPrefix(m[3], "-1 ") {
			calls = append(calls, call{name: m[1], args: m[2], result: m[3]})
		}
	}
	return calls, lines.Err()
}

// child is the thread that a call started, as the machine counts, or 0.
func (c call) child() int {
	if !slices.Contains([]string{"clone", "clone3", "fork", "vfork"}, c.name) {
		return 0
	}
	m := childPID.FindStringSubmatch(c.result)
	if m == nil {
		return 0
	}
	pid, _ := strconv.Atoi(m[1] + m[2])
	return pid
}

// follow adds the calls of a thread and of those that it started. From the
// moment on in which a thread makes a network namespace for itself, it and
// what it starts are apart.
func (t *trace) follow(threads map[int][]call, pid int, apart bool) {
	for _, c := range threads[pid] {
		c.apart = apart
		*t = append(*t, c)
		if c.name == "unshare" && strings.Contains(c.args, "CLONE_NEWNET") {
			apart = true
		}
		if child := c.child(); child != 0 {
			t.follow(threads, child, apart)
		}
	}
}

// faults are the calls that change something, each with what it does.
func (t trace) faults() []string {
	protocols := t.protocols()
	var faults []string
	for _, c := range t {
		if fault := c.fault(protocols); fault != "" {
			faults = append(faults, fault+": "+c.String())
		}
	}
	return faults
}

// protocols are those of the netlink sockets, by inode.
func (t trace) protocols() map[string]string {
	protocols := make(map[string]string)
	for _, c := range t {
		if m := netlinkSocket.FindStringSubmatch(c.result); c.name == "socket" && m != nil {
			protocols[m[1]] = c.args[strings.LastIndex(c.args, " ")+1:]
		}
	}
	return protocols
}

// has says whether some call fits.
func (t trace) has(fits func(call) bool) bool { return slices.ContainsFunc(t, fits) }

// altering are the calls that change the files they name.
var altering = regexp.MustCompile(`^(creat|mkdir|mknod|unlink|rmdir|rename|link|symlink|chmod|fchmod|chown|lchown|fchown|truncate|ftruncate|fallocate|l?setxattr|fsetxattr|l?removexattr|fremovexattr|utime|utimes|utimens|futimesat|copy_file_range|sendfile)(at|at2|2)?$`)

func (c call) fault(protocols map[string]string) string {
	switch {
	case c.apart && strings.HasPrefix(c.name, "open") && !slices.ContainsFunc(opened(c), notOfNetwork):
		return "" // what is tried in a network namespace is gone with it
	case strings.HasPrefix(c.name, "open") && opensToWrite.MatchString(c.args):
		return stranger("opens to write", opened(c))
	case c.name == "utimensat" && strings.Contains(c.args, `"/proc/self/fd/`):
		return "" // only systemd-analyze writes times so
	case altering.MatchString(c.name):
		return stranger("changes", paths(c.args))
	case slices.Contains([]string{"mount", "umount2", "pivot_root", "move_mount", "swapon", "reboot", "bpf", "init_module", "finit_module", "delete_module", "settimeofday", "clock_settime"}, c.name):
		return "changes the system"
	case c.apart: // what follows ends with the namespace
		return ""
	case c.name == "execve" && !reads(c.args):
		return "runs a program that may write"
	case netlinkSocket.MatchString(c.args):
		return asks(c, protocols)
	case c.name == "setsockopt" && strings.Contains(c.args, "SET_"):
		return "replaces a table of rules"
	case c.name == "ioctl" && regexp.MustCompile(`\b(SIOCS|SIOCADD|SIOCDEL|SIOCBR|TUNSET|FS_IOC_SET|FICLONE)`).MatchString(c.args):
		return "changes a device"
	case dbusCall.MatchString(c.args):
		return calls(c)
	}
	return ""
}

var (
	opensToWrite = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND`)
	annotation   = regexp.MustCompile(`<((?:[^<>\\]|\\.)*)`)
	named        = regexp.MustCompile(`(?:(?:AT_FDCWD|\d+)<([^<>]*)>(?:\(deleted\))?, )?"((?:[^"\\]|\\.)*)"`)
)

// notOfNetwork says whether a file is none of those that each network namespace
// has of its own.
func notOfNetwork(file string) bool { return !strings.HasPrefix(file, "/proc/sys/net/") }

// opened are the paths of an open: the real one that strace tells of the
// descriptor, else the one that was asked for.
func opened(c call) []string {
	if m := annotation.FindStringSubmatch(c.result); m != nil {
		return []string{m[1]}
	}
	return paths(c.args)
}

// paths are the files that the arguments name.
func paths(args string) []string {
	var all []string
	for _, m := range named.FindAllStringSubmatch(args, -1) {
		if strings.HasPrefix(m[2], "/") {
			all = append(all, path.Clean(m[2]))
		} else {
			all = append(all, path.Join("/", m[1], m[2]))
		}
	}
	if all == nil {
		for _, m := range annotation.FindAllStringSubmatch(args, -1) {
			all = append(all, m[1])
		}
	}
	return all
}

// scratch is what is made to ask a program about it, and gone with the answer; see
// [atomic.Room] of vpnd.
// systemd-analyze(1) has some of its own, and notes below /run/systemd when it read
// unit files. A charon that judges has its own beside that of the one that runs, since
// AppArmor lets it have them nowhere else.
var scratch = regexp.MustCompile(`^(/tmp/(vpnd-room-[a-z]+-[0-9]+(/|$)|systemd-(analyze|temporary)-\w+$)|/run/\.?charon\.vpnd-\d+-\d+\.(conf|vici)(\.vpnd-\w+)?$)`)

// stranger is a fault where one of the files is not vpnd's to write in a plan.
func stranger(what string, files []string) string {
	for _, file := range files {
		own := file == "/run/vpnd" || file == "/run/vpnd/cache" || strings.HasPrefix(file, "/run/vpnd/cache/") ||
			file == "/dev/null" || strings.HasPrefix(file, "/memfd:") || scratch.MatchString(file)
		if !own {
			return what + " " + file
		}
	}
	return ""
}

// readers are command lines that change nothing. The first two are how the
// test gets to vpnd.
var readers = []*regexp.Regexp{
	regexp.MustCompile(`^"[^"]*/nsenter", `),
	regexp.MustCompile(`^"[^"]*/env", `),
	regexp.MustCompile(`^"/usr/sbin/vpnd", \["vpnd", "(plan|drift)"[],]`),
	regexp.MustCompile(`^"/usr/sbin/ip6?tables(-nft|-legacy)?(-save|-restore)?", \["[^"]*", "--version"\]`),
	regexp.MustCompile(`^"/usr/sbin/ip6?tables(-nft|-legacy)?-save", \["[^"]*"\]`),
	// OpenVPN is asked with configurations in scratch, and goes no further than its
	// options; where it begins to start, that is in a network namespace of its own.
	regexp.MustCompile(`^"/usr/sbin/openvpn", \["[^"]*", "--(show-ciphers|show-digests|show-tls|show-curves)"\]`),
	regexp.MustCompile(`^"/usr/sbin/openvpn", \["[^"]*", "--config", "/tmp/vpnd-room-[^"]*", "--version"\]`),
	regexp.MustCompile(`^"/usr/sbin/openvpn", \["[^"]*", "--cd", "[^"]*", "--config", "/tmp/vpnd-room-[^"]*/trial.conf", .*"(--management-hold|/tmp/vpnd-room-[^"]*/none)"\]`),
	regexp.MustCompile(`^"/usr/bin/systemd-analyze", \["systemd-analyze", "verify", "--man=no", "--", "/tmp/vpnd-room-[^"]*"\]`),
	// What the configuration has judge a file, asked about a copy in memory.
	regexp.MustCompile(`^"/usr/s?bin/(sh|sshd)", \["(sh", "-n|sshd", "-t", "-f)", "/proc/\d+/fd/\d+"\]`),
	regexp.MustCompile(`^"/usr/bin/apt-cache", \["apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "policy", `),
	// What charon and ssh said of late, and accounts of directory services.
	regexp.MustCompile(`^"/usr/bin/journalctl", \["journalctl", "--quiet", "--no-pager", ("--reverse", )?"--output=(json|cat)", "`),
	regexp.MustCompile(`^"/usr/bin/getent", \["getent", "(passwd|group)", "[^"]*"\]`),
	regexp.MustCompile(`^"/usr/bin/dpkg-query", \["dpkg-query", "--admindir=/var/lib/dpkg", "-W", `),
}

func reads(args string) bool {
	return slices.ContainsFunc(readers, func(r *regexp.Regexp) bool { return r.MatchString(args) })
}

// familyGet asks for the number of a family of generic netlink: CTRL_CMD_GETFAMILY of
// linux/genetlink.h, to nlctrl.
var familyGet = regexp.MustCompile(`nlmsg_type=(0x10 |nlctrl|GENL_ID_CTRL)[^}]*\}, "\\x03\\x01`)

var (
	netlinkSocket = regexp.MustCompile(`<NETLINK:\[(\d+)\]>`)
	messageType   = regexp.MustCompile(`nlmsg_type=(\w+)`)
	nftablesGets  = []int64{1, 4, 7, 10, 13, 16, 19, 21, 23} // NFT_MSG_GET*, linux/netfilter/nf_tables.h
)

// compatGet asks which revision of a match or target the kernel has:
// NFNL_MSG_COMPAT_GET of linux/netfilter/nf_tables_compat.h.
const compatGet = 0xb00

// asks is a fault where a netlink message is anything but a question.
func asks(c call, protocols map[string]string) string {
	if !strings.HasPrefix(c.name, "send") && !strings.HasPrefix(c.name, "write") {
		return ""
	}
	types := messageType.FindAllStringSubmatch(c.args, -1)
	if len(types) == 0 {
		return "sends a netlink message that can't be read"
	}
	protocol := protocols[netlinkSocket.FindStringSubmatch(c.args)[1]]
	if protocol == "NETLINK_GENERIC" && len(types) == 1 && familyGet.MatchString(c.args) {
		return ""
	}
	for _, m := range types {
		if !question(protocol, m[1]) {
			return "changes something by " + protocol
		}
	}
	return ""
}

func question(protocol, message string) bool {
	n, err := strconv.ParseInt(message, 0, 32)
	switch {
	case err != nil:
		return strings.Contains(message, "_GET")
	case protocol == "NETLINK_ROUTE":
		return n >= 16 && n%4 == 2 // rtnetlink(7): new, del, get, set
	case protocol == "NETLINK_NETFILTER":
		return n == compatGet || n>>8 == 10 && slices.Contains(nftablesGets, n&0xff)
	}
	return false
}

var (
	dbusCall   = regexp.MustCompile(`"l\\1\\`)
	dbusMember = regexp.MustCompile(`\\3\\1s\\0(?:\\[0-7]{1,3}|\\[a-z])\\0\\0\\0([A-Za-z]+)\\0`)
	dbusReads  = []string{"Hello", "Ping", "AddMatch", "RemoveMatch", "Get", "GetAll", "GetUnit", "LoadUnit", "ListUnits", "ListUnitsByNames", "GetUnitFileState"}
)

// calls is a fault where a method of D-Bus is called that may change something.
func calls(c call) string {
	m := dbusMember.FindStringSubmatch(c.args)
	switch {
	case m == nil:
		return "calls a method of D-Bus that can't be read"
	case !slices.Contains(dbusReads, m[1]):
		return "calls " + m[1] + " by D-Bus"
	}
	return ""
}
