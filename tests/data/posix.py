"""Runs the cases of posix.txt at the top of a mounted tree: prints the group, the case and how it ended, an errno or `ok`."""
import errno, mmap, os, stat, sys

T = os.environ["T"]


def as_user(act):
    """Runs `act` as a user who owns nothing, of group 4100."""
    os.setgroups([])
    os.setegid(4100)
    os.seteuid(4001)
    try:
        return act()
    finally:
        os.seteuid(0)
        os.setegid(0)


def of_owner(act):
    """Runs `act` as the same user while the pool is his."""
    os.chown("pools/P", 4001, 0)
    try:
        return as_user(act)
    finally:
        os.chown("pools/P", 0, 0)


def with_open(path, flags, act=lambda f: None):
    f = os.open(path, flags, 0o600)
    try:
        return act(f)
    finally:
        os.close(f)


close = os.close


def put(path, text, flags=os.O_WRONLY):
    with_open(path, flags, lambda f: os.write(f, text.encode()))


def create(path):
    put(path, "side=nobody/A\n", os.O_WRONLY | os.O_CREAT)


def gone(path):
    assert not os.path.lexists(path), path


def mode(path):
    return os.stat(path).st_mode & 0o7777


os.mkdir("pools/P")
put("pools/P/media_type", "LTO-8")
put("pools/P/import", "tape\n")
os.mkdir("pools/G")
os.mkdir("pools/G/pools/below")
os.chmod("pools/G", 0o777)
os.mkdir("pools/closed", 0o700)
os.symlink("circle", T + "/circle")
open(T + "/file", "w").close()
for row in open(sys.argv[1]):
    if row.startswith("#") or not row.strip():
        continue
    group, case, _, code = row.rstrip("\n").split("\t")[:4]
    if group == "excluded":
        continue
    try:
        exec(code, globals())
        said = "ok"
    except OSError as error:
        said = errno.errorcode.get(error.errno, repr(error))
    except AssertionError as error:
        said = repr(error)
    print(group, case, said, sep="\t")
