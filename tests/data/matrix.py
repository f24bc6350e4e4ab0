"""Every operation by every kind of user, under every combination of rights: what was allowed.

Run by root at the top of a mounted tree, twice: `prepare` makes the pools, the media and everybody's LMIDs and then sets
the rights; after a remount, so that the kernel knows nothing old, `act` prints a line for each attempt: the
configuration, the user, the operation, and `yes`, `no` or what went wrong.
"""
import errno, os, struct, sys, time

# name: uid, gid, further groups; classes are what a list and a mode tell apart
WHO = {
    "root": (0, 0, []),
    "owner": (4001, 4901, []),
    "group": (4002, 4100, []),
    "supplementary": (4003, 4903, [4100]),
    "user-entry": (4004, 4904, []),
    "group-entry": (4005, 4105, []),
    "supplementary-entry": (4006, 4906, [4105]),
    "other": (4009, 4909, []),
}
CLASSES = ["owner", "group", "user-entry", "group-entry", "other"]
CONFIGS = 8


def rights(config, place):
    """The rights of a class in a configuration: 4 USE, 2 MODIFY, 1 CONTROL. Each class goes through all eight."""
    return (config + 3 * place) % 8


def bits(config, place):
    use, modify, control = (rights(config, place) & bit for bit in (4, 2, 1))
    return (5 if use else 0) | (2 if modify else 0), 6 if control else 0


def lists(config):
    """The two lists of a configuration, in the form of the kernel."""
    out = []
    for which in (0, 1):
        owner, group, user, named, other = (bits(config, place)[which] for place in range(5))
        nobody = 0xFFFFFFFF
        rows = [(1, owner, nobody), (2, user, 4004), (4, group, nobody), (8, named, 4105), (16, 7, nobody),
                (32, other, nobody)]
        out.append(struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows))
    return out


def put(path, text, flags=os.O_WRONLY):
    fd = os.open(path, flags, 0o600)
    try:
        os.write(fd, text.encode() + b"\n")
    finally:
        os.close(fd)


def get(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 65536).decode().strip()
    finally:
        os.close(fd)


def ask(path, text):
    fd = os.open(path, os.O_RDWR)
    try:
        os.write(fd, text.encode() + b"\n")
        return os.read(fd, 4096).decode().strip()
    finally:
        os.close(fd)


def allocated(answer):
    """An LMID; a refusal for lack of a right is raised as the kernel would."""
    if "ERROR_ACCESS_DENIED" in answer:
        raise PermissionError(errno.EACCES, answer)
    if answer.startswith("0x"):
        raise RuntimeError(answer)
    return answer


def attempt_as(who, act):
    """Runs `act` as a user and tells how it went."""
    uid, gid, groups = WHO[who]
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        act()
        return "yes"
    except PermissionError:
        return "no"
    except (OSError, RuntimeError, ValueError) as error:
        return repr(error).replace("\n", " ")
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])


def prepare():
    for config in range(CONFIGS):
        for name, media in (("P", "LTO-8"), ("Q", "LTO-8"), ("D", "LTO-8"), ("N", "LTO-3"), ("G", "")):
            pool = f"pools/{name}{config}"
            os.mkdir(pool)
            if media:
                put(f"{pool}/media_type", media)
            os.chmod(pool, 0o777)
            os.chmod(f"{pool}/allocate", 0o666)
        put(f"pools/D{config}/allocate_from_free", "1")
        count = len(WHO)
        os.mkdir(f"libraries/l{config}")
        put(f"libraries/l{config}/driver", f"virtual type=LTO-8 slots={3 * count} drives=1 cartridges=0")
        put(f"libraries/l{config}/enabled", "1")
        while get(f"libraries/l{config}/state") != "ready":
            time.sleep(0.01)
        text = "".join(f"p{config}-{n} slot=l{config}/{n + 1}\n" for n in range(2 * count + 2))
        put(f"pools/P{config}/import", text[:-1])
        put("pools/Free/pools/LTO-8/import", f"f{config} slot=l{config}/{2 * count + 3}")
    for config in range(CONFIGS):
        for who in WHO:
            # One that is given back, and one that stays.
            for _ in range(2):
                said = attempt_as(who, lambda: allocated(ask(f"pools/P{config}/allocate", f"timeout=0 name={who}")))
                assert said == "yes", said
    for config in range(CONFIGS):
        acl, control = lists(config)
        for name in "PQDNG":
            os.setxattr(f"pools/{name}{config}", "system.posix_acl_access", acl)
            os.setxattr(f"pools/{name}{config}/allocate", "system.posix_acl_access", control)
            os.chown(f"pools/{name}{config}", 4001, 4100)
        os.setxattr(f"libraries/l{config}", "system.posix_acl_access", acl)
        os.chown(f"libraries/l{config}", 4001, 4100)


def free(rights_of):
    """Gives the classes USE of the free pool or not; the daemon alone looks at it."""
    leaf = "pools/Free/pools/LTO-8"
    os.setxattr(leaf, "system.posix_acl_access", lists(rights_of)[0])
    os.chown(leaf, 4001, 4100)


def operations(config, who, mine):
    """name, what root does before, what is tried, what root does after it was allowed."""
    p, q, d, n, g = (f"pools/{name}{config}" for name in "PQDNG")
    library = f"libraries/l{config}"
    uid = WHO[who][0]
    spare = f"spare{config}"
    state = {}

    def record():
        put(f"{p}/import", spare)

    def forget(path=f"{p}/media/{spare}"):
        os.rmdir(path)

    def wait():
        put(f"{n}/requests/wait", "timeout=infinite", os.O_WRONLY | os.O_CREAT)
        state["operator"] = max(os.listdir("operator"), key=int)

    def end():
        os.unlink(f"{n}/requests/wait")

    def roots():
        put(f"{p}/requests/roots", "side=nobody/A", os.O_WRONLY | os.O_CREAT)

    def give_back():
        for lmid in set(os.listdir("logical")) - state["before"]:
            os.rmdir(f"logical/{lmid}")

    def before():
        state["before"] = set(os.listdir("logical"))

    def drawn():
        give_back()
        # rename(2) itself cannot find a directory that the catalog has moved since the kernel saw it; mv(1) looks first.
        os.stat(f"{d}/media/f{config}")
        os.rename(f"{d}/media/f{config}", f"pools/Free/pools/LTO-8/media/f{config}")

    def deallocate_roots():
        before()
        state["lmid"] = allocated(ask(f"{p}/allocate", "timeout=0"))

    def leave():
        if os.path.exists(f"logical/{state['lmid']}"):
            os.rmdir(f"logical/{state['lmid']}")

    nothing = lambda: None
    first, second = mine
    yield "list the pool", nothing, lambda: os.listdir(p), nothing
    yield "read an attribute", nothing, lambda: get(f"{p}/type"), nothing
    yield "write an attribute", nothing, lambda: put(f"{p}/description", who), nothing
    yield "read why", nothing, lambda: get(f"{p}/why"), nothing
    yield "read a user's attribute", lambda: os.setxattr(p, "user.who", b"root"), \
        lambda: os.getxattr(p, "user.who"), nothing
    yield "set a user's attribute", nothing, lambda: os.setxattr(p, "user.who", who.encode()), nothing
    yield "make a pool", nothing, lambda: os.mkdir(f"{g}/pools/New"), lambda: os.rmdir(f"{g}/pools/New")
    yield "rename a pool", lambda: os.mkdir(f"{g}/pools/Old"), \
        lambda: os.rename(f"{g}/pools/Old", f"{g}/pools/Newer"), lambda: os.rename(f"{g}/pools/Newer", f"{g}/pools/Old")
    yield "remove a pool", nothing, lambda: os.rmdir(f"{g}/pools/Old"), lambda: os.mkdir(f"{g}/pools/Old")
    os.rmdir(f"{g}/pools/Old")
    yield "make a pool at the top", nothing, lambda: os.mkdir("pools/Top"), lambda: os.rmdir("pools/Top")
    yield "rename the pool", nothing, lambda: os.rename(g, f"{g}x"), lambda: os.rename(f"{g}x", g)
    yield "allocate", before, lambda: allocated(ask(f"{p}/allocate", "timeout=0")), give_back
    yield "draw from free", before, lambda: allocated(ask(f"{d}/allocate", "timeout=0")), drawn
    yield "submit a named request", nothing, \
        lambda: put(f"{p}/requests/{who}", "side=nobody/A", os.O_WRONLY | os.O_CREAT), nothing
    yield "read the own result", nothing, lambda: get(f"{p}/results/{who}"), nothing
    yield "remove the own request", nothing, lambda: os.unlink(f"{p}/requests/{who}"), nothing
    yield "read another's result", roots, lambda: get(f"{p}/results/roots"), nothing
    yield "remove another's request", nothing, lambda: os.unlink(f"{p}/requests/roots"), nothing
    if os.path.exists(f"{p}/requests/roots"):
        os.unlink(f"{p}/requests/roots")
    yield "import", nothing, lambda: put(f"{p}/import", spare), nothing
    if not os.path.exists(f"media/{spare}"):
        record()
    at = f"{p}/media/{spare}"
    yield "rename a medium", nothing, lambda: os.rename(at, f"{at}x"), lambda: os.rename(f"{at}x", at)
    yield "move a medium", nothing, lambda: os.rename(at, f"{q}/media/{spare}"), \
        lambda: os.rename(f"{q}/media/{spare}", at)
    yield "read a medium", nothing, lambda: get(f"{at}/state"), nothing
    yield "write to a medium", nothing, lambda: put(f"{at}/description", who), nothing
    yield "disable a medium", nothing, lambda: put(f"{at}/enabled", "0"), lambda: put(f"{at}/enabled", "1")
    yield "read the state of a side", nothing, lambda: get(f"{at}/sides/A/state"), nothing
    yield "decommission a side", nothing, lambda: put(f"{at}/sides/A/state", "decommissioned"), nothing
    yield "remove a medium", nothing, lambda: os.rmdir(at), nothing
    if os.path.exists(f"media/{spare}"):
        forget()
    yield "read a logical medium", nothing, lambda: get(f"logical/{first}/owner"), nothing
    yield "name a logical medium", nothing, lambda: put(f"logical/{first}/name", who), nothing
    yield "read the state of a logical medium", nothing, lambda: get(f"logical/{first}/state"), nothing
    yield "complete a logical medium", nothing, lambda: put(f"logical/{first}/state", "complete"), nothing
    yield "deallocate the own", nothing, lambda: os.rmdir(f"logical/{second}"), nothing
    yield "deallocate another's", deallocate_roots, lambda: os.rmdir(f"logical/{state['lmid']}"), leave
    if state.get("lmid"):
        leave()
    yield "answer an operator request", wait, lambda: put(f"operator/{state['operator']}/state", "refused"), nothing
    if get(f"operator/{state['operator']}/state") != "refused":
        put(f"operator/{state['operator']}/state", "refused")
    yield "remove an operator request", nothing, lambda: os.rmdir(f"operator/{state['operator']}"), nothing
    end()
    yield "chmod", nothing, lambda: os.chmod(p, os.stat(p).st_mode & 0o777), nothing
    yield "chown", nothing, lambda: os.chown(p, 4009, -1), lambda: os.chown(p, 4001, 4100)
    yield "setfacl", nothing, lambda: os.setxattr(p, "system.posix_acl_access", lists(config)[0]), nothing
    yield "setfacl of CONTROL", nothing, \
        lambda: os.setxattr(f"{p}/allocate", "system.posix_acl_access", lists(config)[1]), nothing
    yield "chmod of an attribute", nothing, lambda: os.chmod(f"{library}/state", 0o777), nothing
    yield "read a library", nothing, lambda: get(f"{library}/state"), nothing
    yield "list slots", nothing, lambda: os.listdir(f"{library}/slots"), nothing
    yield "write to a library", nothing, lambda: put(f"{library}/description", who), nothing
    yield "rename a library", nothing, lambda: os.rename(library, f"{library}x"), \
        lambda: os.rename(f"{library}x", library)
    yield "make a library", nothing, lambda: os.mkdir("libraries/new"), lambda: os.rmdir("libraries/new")
    yield "add a media type", nothing, lambda: os.mkdir("types/New"), lambda: os.rmdir("types/New")
    yield "read the history", nothing, lambda: get("history"), nothing
    yield "read the status", nothing, lambda: get("status"), nothing
    yield "open events", nothing, lambda: os.close(os.open("events", os.O_RDONLY | os.O_NONBLOCK)), nothing
    yield "list media and logical media", nothing, lambda: os.listdir("media") + os.listdir("logical"), nothing
    yield "read the last refusal", nothing, lambda: get("last-error"), nothing


def owned():
    """The LMIDs of a pool and a user: two of each."""
    out = {}
    for lmid in os.listdir("logical"):
        name = get(f"logical/{lmid}/name")
        pool = os.path.basename(os.path.realpath(f"logical/{lmid}/pool"))
        out.setdefault((pool, name), []).append(lmid)
    return out


def act():
    mine = owned()
    for config in range(CONFIGS):
        free((config + 4) % CONFIGS)
        for other in range(CONFIGS):
            put(f"pools/Free/pools/LTO-8/media/f{other}/enabled", "1" if other == config else "0")
        for who in WHO:
            for name, setup, attempt, after in operations(config, who, mine[f"P{config}", who]):
                setup()
                said = attempt_as(who, attempt)
                if said == "yes":
                    after()
                print(config, who, name, said, sep="\t", flush=True)


{"prepare": prepare, "act": act}[sys.argv[1]]()
