"""Every operation by every kind of user, under every combination of rights: what was allowed.

Run by root at the top of a mounted tree. `prepare` makes the pools, the libraries, the media and everybody's own things, and
then sets the rights; after a remount, so that the kernel knows nothing old, `act N` prints a line for each attempt in
configuration N: its number, the user, the operation, and `yes`, `no` or what went wrong. `tenant N` does the same at the
top of a mount of the one pool of that configuration.

An operation is a verb and the pattern of a path as the table of the tree has it, and after a colon which of several cases
it is. `act` reads that table: the pattern, the kind, what it has of its own, and the verbs that nobody may.
"""
import errno, itertools, os, re, struct, sys, time

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
CONFIGS = 8
# How far the rights of an object are ahead of those of the pool, of which each class goes through all combinations.
AHEAD = {"pool": 0, "library": 3, "free": 5, "import": 6}
LIST = "system.posix_acl_access"
# The LMIDs that every user has of his own.
OWN = ["keep", "back", "swap", "mount", "loaded", "deferred", "tenant"]


def lists(config, of):
    """The two lists of an object in a configuration, in the form of the kernel: 4 is USE, 2 MODIFY, 1 CONTROL."""
    rights = [(config + AHEAD[of] + 3 * place) % 8 for place in range(5)]
    nobody = 0xFFFFFFFF

    def pack(bits):
        owner, group, user, named, other = bits
        rows = [(1, owner, nobody), (2, user, 4004), (4, group, nobody), (8, named, 4105), (16, 7, nobody),
                (32, other, nobody)]
        return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)

    return pack([(5 if r & 4 else 0) | (r & 2) for r in rights]), pack([6 if r & 1 else 0 for r in rights])


def put(path, text, flags=os.O_WRONLY):
    fd = os.open(path, flags, 0o600)
    try:
        os.write(fd, text.encode() + b"\n")
    finally:
        os.close(fd)


def new(path, text):
    put(path, text, os.O_WRONLY | os.O_CREAT)


def get(path):
    # Only of requests to people there are some that wait.
    fd = os.open(path, os.O_RDONLY | (os.O_NONBLOCK if path.endswith("/result") else 0))
    try:
        return os.read(fd, 65536).decode(errors="replace").strip()
    finally:
        os.close(fd)


def wait(path):
    with open(path) as file:
        return file.read().strip()


def ask(path, text):
    fd = os.open(path, os.O_RDWR)
    try:
        os.write(fd, text.encode() + b"\n")
        return os.read(fd, 4096).decode().strip()
    finally:
        os.close(fd)


def given(answer):
    """An answer; a refusal for lack of a right is raised as the kernel would."""
    if "ERROR_ACCESS_DENIED" in answer:
        raise PermissionError(errno.EACCES, answer)
    if answer.startswith("0x"):
        raise RuntimeError(answer)
    return answer


def take(pool, words="timeout=0"):
    return given(ask(f"{pool}/allocate", words))


def serve(library, line, name="mine"):
    """A request to a library: its answer."""
    new(f"{library}/requests/{name}", line)
    return given(wait(f"{library}/results/{name}"))


def move(old, new):
    """As mv(1), which looks first: rename(2) by itself finds no directory that the catalog has moved since the kernel saw it."""
    os.lstat(old)
    os.path.lexists(new)
    os.rename(old, new)


def number(path):
    """The number of the object of a file: it is the lower part of the number of its inode."""
    return os.stat(path).st_ino & (1 << 48) - 1


def nothing():
    pass


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


class Place:
    """The objects of a configuration. Each has a type of media, and so system pools of its own."""

    def __init__(self, config):
        self.config, self.type = config, f"LTO-{config + 1}"
        self.p, self.q, self.d, self.r, self.n, self.g, self.y = (f"pools/{name}{config}" for name in "PQDRNGY")
        self.free, self.imported = (f"pools/{name}/pools/{self.type}" for name in ("Free", "Import"))
        self.library, self.empty, self.test, self.given = (f"libraries/{name}{config}" for name in "lety")
        self.guarded = {
            "pool": [self.p, self.q, self.d, self.r, self.n, self.g, self.y],
            "free": [self.free],
            "import": [self.imported],
            "library": [self.library, self.empty, self.test, self.given],
        }

    def furnish(self):
        """Makes pools and libraries that are open to all."""
        for pool in self.guarded["pool"]:
            os.mkdir(pool)
            if pool != self.g:
                put(f"{pool}/media_type", self.type)
            os.chmod(pool, 0o777)
            os.chmod(f"{pool}/allocate", 0o666)
        put(f"{self.d}/allocate_from_free", "1")
        put(f"{self.r}/deallocate_to_free", "1")
        for library, shape in zip(self.guarded["library"], ("slots=99 drives=24 ports=1", "", "slots=1 drives=1", "")):
            os.mkdir(library)
            os.chmod(library, 0o777)
            if shape:
                put(f"{library}/driver", f"virtual type={self.type} {shape}")
                self.switch(library, "1")
        self.slots = (f"slot=l{self.config}/{slot}" for slot in itertools.count(1))
        for pool, name, count in [(self.p, "p", len(WHO) * (len(OWN) + 1) + 6), (self.r, "r", 2 * len(WHO)),
                                  (self.free, "f", 1), (self.imported, "i", len(WHO)), (self.q, "q", 2)]:
            lines = [f"{name}{self.config}-{at} {next(self.slots)} barcode={name}{self.config}{at}" for at in range(count)]
            put(f"{pool}/import", "\n".join([*lines, f"{name}{self.config}-off"]))

    def switch(self, library, on):
        put(f"{library}/enabled", on)
        while on == "1" and get(f"{library}/state") != "ready":
            time.sleep(0.01)

    def provide(self, who):
        """Makes, as a user, what he has: LMIDs, mounted media, requests that wait, messages."""
        lmid = {name: take(self.p, f"timeout=0 name={name}") for name in OWN}
        take(self.r, "timeout=0 name=return")
        if who == "root":
            self.held = take(self.p, "timeout=0 name=held")
            serve(self.library, f"mount media={self.held}", "held")
            serve(self.library, f"mount side=q{self.config}-0/A side=q{self.config}-1/A", "both")
            put(f"logical/{self.held}/label", "type=MTF id=1")
        for name in ("loaded", "deferred"):
            serve(self.library, f"mount media={lmid[name]}", f"{who}-{name}")
        for name in ("waits", "ends"):
            new(f"{self.library}/requests/{who}-{name}", f"mount media={self.held}")
        new(f"{self.n}/requests/{who}", "timeout=infinite")
        for name in ("completed", "refused", "forgotten"):
            put("ask", f"message {name} by {who} in {self.config}")

    def secure(self):
        """Sets the rights: from here on only root can do everything."""
        for of, paths in self.guarded.items():
            mode, control = lists(self.config, of)
            for path in paths:
                os.setxattr(path, LIST, mode)
                if of != "library":
                    os.setxattr(f"{path}/allocate", LIST, control)
                os.chown(path, 4001, 4100)

    def survey(self, logical, operators):
        """Finds what was prepared: LMIDs by pool, owner and name, requests to people by their text."""
        self.logical, self.operators = logical, operators
        self.held = self.mine("root", "held")
        self.waits = {who: number(f"{self.library}/requests/{who}-waits") for who in WHO}
        self.ends = {who: number(f"{self.library}/requests/{who}-ends") for who in WHO}
        os.mkdir(f"{self.g}/pools/Some")
        new(f"{self.p}/requests/roots", "side=nobody/A")

    def mine(self, who, name):
        return self.logical["R" if name == "return" else "P", self.config, WHO[who][0], name]

    def medium(self, lmid):
        return os.path.realpath(f"logical/{lmid}/side").split("/")[-3]


def prepare():
    for kind, open_to_all in (("LTO-9", True), ("DLT", False)):
        for system in ("Import", "Free"):
            pool = f"pools/{system}/pools/{kind}"
            os.mkdir(pool)
            os.chmod(pool, 0o755 if open_to_all else 0o700)
            os.chmod(f"{pool}/allocate", 0o666 if open_to_all else 0o600)
    os.mkdir("types/Odd")
    # A drive that a person fills is given to a request as long as he is asked.
    os.mkdir("libraries/hand")
    put("libraries/hand/driver", "standalone /dev/null type=LTO-9")
    put("libraries/hand/enabled", "1")
    put("pools/Free/pools/LTO-9/import", "byhand")
    places = [Place(config) for config in range(CONFIGS)]
    for place in places:
        place.furnish()
        for who in WHO:
            said = attempt_as(who, lambda: place.provide(who))
            assert said == "yes", (place.config, who, said)
    new("libraries/hand/requests/mount", "mount side=byhand/A")
    put("ask", "device-service library=l0 drive=1")
    put("ask", "move-media medium=p0-1 library=l0")
    put(f"operator/{ask('ask', 'new-media pool=P0')}/state", "refused")
    for place in places:
        place.secure()


def ways(pattern, place):
    """The paths that a pattern may stand for, in one configuration."""
    config, held = place.config, place.held
    medium = place.medium(held)
    special = {
        "pools/<pool>/requests/<name>": f"{place.p}/requests/roots",
        "pools/<pool>/results/<name>": f"{place.p}/results/roots",
        "libraries/<library>/requests/<name>": f"{place.library}/requests/held",
        "libraries/<library>/results/<name>": f"{place.library}/results/held",
        "by-id/pool/<GUID>": f"by-id/pool/{get(place.p + '/id')}",
        "by-id/medium/<GUID>": f"by-id/medium/{get(f'media/{medium}/id')}",
        "by-id/side/<GUID>": f"by-id/side/{get(f'media/{medium}/sides/A/id')}",
        "by-id/library/<GUID>": f"by-id/library/{get(place.library + '/id')}",
        "by-barcode/<bar code>": f"by-barcode/p{config}0",
        "by-location/libraries/<library>/<slot>": f"by-location/libraries/l{config}/99",
        "by-state/<state>/<medium.side>": f"by-state/available/p{config}-off.A",
    }
    if pattern.startswith("by-location/libraries/<library>/"):
        return [f"by-location/libraries/l{config}/{name}" for name in os.listdir(f"by-location/libraries/l{config}")]
    if pattern in special:
        return [special[pattern]]
    numbers = {"operator": os.listdir("operator"), "work": os.listdir("work")}
    parts = {
        "<pool>": [f"P{config}"],
        "<medium>": [f"p{config}-off"] if "offline" in pattern else [medium, f"p{config}-60", f"p{config}-off"],
        "<side>": ["A"],
        "<LMID>": [held],
        "<library>": [f"l{config}"],
        "<media type>": ["LTO-9"],
        "<state>": ["available"],
        "<uid>": ["0"],
        "<number>": numbers.get(pattern.split("/")[0], ["1"]),
    }
    names = re.split("(<[^>]*>)", pattern)
    return ["".join(way) for way in itertools.product(*(parts.get(name, [name]) for name in names))]


READ = {"dir": os.listdir, "link": os.readlink, "file": get}
NEVER = {
    "write": lambda path: put(path, "x"),
    "make in": lambda path: os.mkdir(f"{path}/new"),
    "create in": lambda path: new(f"{path}/new", "x"),
    "remove": lambda path: os.unlink(path),
    "remove directory": lambda path: os.rmdir(path),
    "rename": lambda path: os.rename(path, f"{path}x"),
    "chmod": lambda path: os.chmod(path, 0o777),
    "chown": lambda path: os.chown(path, 4009, 4909),
    "setfacl": lambda path: os.setxattr(path, LIST, lists(0, "pool")[0]),
}


def example(pattern, kind, place):
    """The first path of a pattern that is there now."""
    for way in ways(pattern, place):
        try:
            READ.get(kind, os.stat)(way)
            return way
        except (FileNotFoundError, BlockingIOError):
            pass
    # Nothing brings a medium into a port, so this one leads nowhere.
    assert pattern == "libraries/<library>/ports/<number>/medium", pattern
    return None


def rows(place, table):
    """What every row shows, the attributes of users that it has, and what it allows to nobody, whatever his rights are."""
    for (pattern, kind, own, never), path in zip(table, place.examples):
        if path is None:
            continue
        if kind in READ:
            yield f"read {pattern}", nothing, lambda: READ[kind](path), nothing
        if own == "attributes":
            yield f"get attribute {pattern}", lambda: os.setxattr(path, "user.who", b"root"), \
                lambda: os.getxattr(path, "user.who"), nothing
            yield f"set attribute {pattern}", nothing, lambda: os.setxattr(path, "user.who", b"all"), nothing
        # In this configuration one class of users has all rights.
        for verb in filter(None, never.split(",") if place.config == 1 else []):
            yield f"never {verb} {pattern}", nothing, lambda: NEVER[verb](path), nothing


def pools(place, who):
    """Pools: attributes, names, rights."""
    p, q, g, y = place.p, place.q, place.g, place.y
    for name, value in [("description", who), ("media_type", place.type), ("allocate_from_free", "0"),
                        ("deallocate_to_free", "0"), ("max_allocates", "0"), ("selection", "name"),
                        ("default_timeout", "1h"), ("purge_time", "1h"), ("reuse_delay", "0"), ("want_available", "0")]:
        yield f"write pools/<pool>/{name}", nothing, lambda: put(f"{q}/{name}", value), nothing
    yield "read pools: of a pool", nothing, lambda: os.listdir(f"{g}/pools"), nothing
    yield "make in pools: of a pool", nothing, lambda: os.mkdir(f"{g}/pools/New"), lambda: os.rmdir(f"{g}/pools/New")
    yield "rename in pools: of a pool", nothing, lambda: os.rename(f"{g}/pools/Some", f"{g}/pools/Newer"), \
        lambda: os.rename(f"{g}/pools/Newer", f"{g}/pools/Some")
    yield "remove pools/<pool>: of a pool", nothing, lambda: os.rmdir(f"{g}/pools/Some"), \
        lambda: os.mkdir(f"{g}/pools/Some")
    yield "make in pools", nothing, lambda: os.mkdir("pools/Top"), lambda: os.rmdir("pools/Top")
    yield "rename in pools", nothing, lambda: os.rename(g, f"{g}x"), lambda: os.rename(f"{g}x", g)
    yield "remove pools/<pool>", lambda: os.mkdir("pools/Old"), lambda: os.rmdir("pools/Old"), nothing
    if os.path.exists("pools/Old"):
        os.rmdir("pools/Old")
    for pattern, path, given, of in [
            ("pools/<pool>", p, y, 0), *((f"pools/<pool>/{name}", f"{p}/{name}", f"{y}/{name}", 1)
                                         for name in ("allocate", "requests", "results", "media", "import")),
            ("libraries/<library>", place.library, place.given, 0)]:
        list_now = lists(place.config, "library" if "lib" in pattern else "pool")[of]
        yield f"chmod {pattern}", nothing, lambda: os.chmod(path, os.stat(path).st_mode & 0o777), nothing
        yield f"setfacl {pattern}", nothing, lambda: os.setxattr(path, LIST, list_now), nothing
        # What is given away is another pool or library, so that the kernel remembers nothing wrong of this one.
        yield f"chown {pattern}", nothing, lambda: os.chown(given, 4009, -1), lambda: os.chown(given, 4001, -1)
        yield f"chown {pattern}: to a group of his own", nothing, lambda: os.chown(given, -1, WHO[who][1]), \
            lambda: os.chown(given, -1, 4100)


def allocations(place, who):
    """CONTROL: allocating, requests, and the media of a pool."""
    p, config = place.p, place.config
    state = {}

    def taking(pool, words="timeout=0"):
        def act():
            state["lmid"] = take(pool, words)
        return act

    def give_back():
        os.rmdir(f"logical/{state['lmid']}")

    def drawn():
        medium = place.medium(state["lmid"])
        give_back()
        move(f"{place.d}/media/{medium}", f"{place.free}/media/{medium}")

    yield "write pools/<pool>/allocate", nothing, taking(p), give_back
    yield "write pools/<pool>/allocate: drawing from free", nothing, taking(place.d), drawn
    side = min(os.listdir(f"{place.imported}/media"))
    yield "write pools/<pool>/allocate: an import side", nothing, taking(p, f"side={side}/A"), give_back
    yield "create in pools/<pool>/requests", nothing, lambda: new(f"{p}/requests/{who}", "side=nobody/A"), nothing
    yield "read pools/<pool>/requests/<name>: own", nothing, lambda: get(f"{p}/requests/{who}"), nothing
    yield "read pools/<pool>/results/<name>: own", nothing, lambda: get(f"{p}/results/{who}"), nothing
    yield "remove pools/<pool>/requests/<name>: own", nothing, lambda: os.unlink(f"{p}/requests/{who}"), nothing
    yield "remove pools/<pool>/requests/<name>: own that waits", nothing, \
        lambda: os.unlink(f"{place.n}/requests/{who}"), nothing
    yield "remove pools/<pool>/requests/<name>", nothing, lambda: os.unlink(f"{p}/requests/roots"), \
        lambda: new(f"{p}/requests/roots", "side=nobody/A")
    spare = f"spare{config}"
    at = f"{p}/media/{spare}"
    yield "write pools/<pool>/import", nothing, lambda: put(f"{p}/import", spare), lambda: os.rmdir(at)
    yield "make in pools/<pool>/media", nothing, lambda: os.mkdir(at), lambda: os.rmdir(at)
    put(f"{p}/import", spare)
    yield "rename in pools/<pool>/media", nothing, lambda: move(at, f"{at}x"), lambda: move(f"{at}x", at)
    for name, to in [("to another pool", place.q), ("to free", place.free)]:
        away = f"{to}/media/{spare}"
        yield f"rename in pools/<pool>/media: {name}", nothing, lambda: move(at, away), \
            lambda: move(away, at)
    off = f"{place.free}/media/f{config}-off"
    here = f"{p}/media/f{config}-off"
    yield "rename in pools/<pool>/media: from free", nothing, lambda: move(off, here), \
        lambda: move(here, off)
    yield "rename in pools/<pool>/media: in free", nothing, lambda: move(off, f"{off}x"), \
        lambda: move(f"{off}x", off)
    yield "write pools/<pool>/media/<medium>/media_type", nothing, lambda: put(f"{at}/media_type", place.type), nothing
    for kind in ("LTO-9", "DLT"):
        open_to_all = "open" if kind == "LTO-9" else "closed"
        other = f"pools/Free/pools/{kind}/media/f{config}-off"
        yield f"write pools/<pool>/media/<medium>/media_type: free to {open_to_all}", nothing, \
            lambda: put(f"{off}/media_type", kind), lambda: put(f"{other}/media_type", place.type)
        out = f"{place.imported}/media/i{config}-off"
        other = f"pools/Import/pools/{kind}/media/i{config}-off"
        yield f"write pools/<pool>/media/<medium>/media_type: import to {open_to_all}", nothing, \
            lambda: put(f"{out}/media_type", kind), lambda: put(f"{other}/media_type", place.type)
    out, here = f"{place.imported}/media/i{config}-off", f"{place.imported}/media/new{config}"
    yield "rename in pools/<pool>/media: in import", nothing, lambda: move(out, here), lambda: move(here, out)
    for name, pool in [("free", place.free), ("import", place.imported)]:
        once = f"{name}{config}"
        put(f"{pool}/import", once)
        target = f"{p}/media/{once}"
        yield f"remove pools/<pool>/media/<medium>: in {name}", nothing, lambda: os.rmdir(f"{pool}/media/{once}"), \
            lambda: put(f"{pool}/import", once)
        if name == "import":
            yield "rename in pools/<pool>/media: from import", nothing, \
                lambda: move(f"{pool}/media/{once}", target), \
                lambda: (os.rmdir(target), put(f"{pool}/import", once))
        os.rmdir(f"{pool}/media/{once}")
    yield "write pools/<pool>/media/<medium>/description", nothing, lambda: put(f"{at}/description", who), nothing
    yield "write pools/<pool>/media/<medium>/enabled", nothing, lambda: put(f"{at}/enabled", "0"), \
        lambda: put(f"{at}/enabled", "1")
    yield "write pools/<pool>/media/<medium>/sides/<side>/state", nothing, \
        lambda: put(f"{at}/sides/A/state", "decommissioned"), nothing
    yield "remove pools/<pool>/media/<medium>", nothing, lambda: os.rmdir(at), nothing
    if os.path.exists(at):
        os.rmdir(at)


def logical_media(place, who):
    """Logical media: what is one's own, and what is root's."""
    state = {}

    def fresh(pool):
        def make():
            state["lmid"] = state.get("lmid") or take(pool)
        return make

    def gone():
        if "lmid" in state and os.path.exists(f"logical/{state['lmid']}"):
            os.rmdir(f"logical/{state['lmid']}")
        state.clear()

    keep, other = place.mine(who, "keep"), place.mine("root", "keep")
    swap, others = place.mine(who, "swap"), place.mine("root", "tenant")
    for name, value in [("name", "keep"), ("description", who), ("label", "type=MTF id=1")]:
        yield f"write logical/<LMID>/{name}: own", nothing, lambda: put(f"logical/{keep}/{name}", value), nothing
        yield f"write logical/<LMID>/{name}", nothing, lambda: put(f"logical/{other}/{name}", value), nothing
    yield "write logical/<LMID>/swap: own", nothing, lambda: put(f"logical/{keep}/swap", swap), nothing
    cross = lambda: put(f"logical/{keep}/swap", others)
    yield "write logical/<LMID>/swap: own with another's", nothing, cross, cross
    yield "write logical/<LMID>/swap", nothing, lambda: put(f"logical/{other}/swap", others), nothing
    yield "set attribute logical/<LMID>: own", nothing, lambda: os.setxattr(f"logical/{keep}", "user.a", b"a"), nothing
    yield "write logical/<LMID>/state: own", nothing, lambda: put(f"logical/{swap}/state", "complete"), nothing
    yield "write logical/<LMID>/state", fresh(place.p), lambda: put(f"logical/{state['lmid']}/state", "complete"), gone
    yield "remove logical/<LMID>", fresh(place.p), lambda: os.rmdir(f"logical/{state['lmid']}"), gone
    gone()
    yield "remove logical/<LMID>: own", nothing, lambda: os.rmdir(f"logical/{place.mine(who, 'back')}"), nothing
    yield "remove logical/<LMID>: own, to free", nothing, \
        lambda: os.rmdir(f"logical/{place.mine(who, 'return')}"), nothing
    yield "remove logical/<LMID>: to free", fresh(place.r), lambda: os.rmdir(f"logical/{state['lmid']}"), gone
    gone()


def libraries(place, who):
    """Libraries, their requests and their work."""
    library, test = place.library, place.test
    mount, own = place.mine("root", "mount"), place.mine(who, "mount")
    asked = "create in libraries/<library>/requests"

    def forget(name=who):
        if os.path.exists(f"{library}/requests/{name}"):
            wait(f"{library}/results/{name}")
            os.unlink(f"{library}/requests/{name}")

    def dismounted():
        forget()
        serve(library, f"dismount media={own}")
        forget("mine")

    def mounted():
        forget()
        if not get(f"logical/{mount}/device"):
            serve(library, f"mount media={mount}")
            forget("mine")

    def drive():
        return os.readlink(f"media/{place.medium(mount)}/drive").split("/")[-1]

    yield f"{asked}: mount", nothing, lambda: serve(library, f"mount media={own}", who), dismounted
    several = f"media={own} side=f{place.config}-0/A"

    def dismounted_all():
        forget()
        serve(library, f"dismount {several}")
        forget("mine")

    yield f"{asked}: mount of several", forget, lambda: serve(library, f"mount {several}", who), dismounted_all
    forget()
    for name, words in [("loaded", ""), ("deferred", " deferred")]:
        line = f"dismount media={place.mine(who, name)}{words}"
        yield f"{asked}: dismount of the own{words}", forget, lambda: serve(library, line, who), nothing
    line = f"dismount media={mount}"
    yield f"{asked}: dismount", mounted, lambda: serve(library, line, who), nothing
    mounted()
    line = f"dismount drive={drive()}"
    yield f"{asked}: dismount drive", mounted, lambda: serve(library, line, who), nothing
    forget()
    yield f"{asked}: inventory", nothing, lambda: serve(test, "inventory", who), \
        lambda: os.unlink(f"{test}/requests/{who}")
    mine = f"{library}/requests/{who}-loaded"
    yield "read libraries/<library>/requests/<name>: own", nothing, lambda: get(mine), nothing
    yield "read libraries/<library>/results/<name>: own", nothing, \
        lambda: get(mine.replace("requests", "results")), nothing
    yield "remove libraries/<library>/requests/<name>: own", nothing, lambda: os.unlink(mine), nothing
    serve(library, "inventory stop", "old")
    yield "remove libraries/<library>/requests/<name>", nothing, lambda: os.unlink(f"{library}/requests/old"), nothing
    forget("old")
    yield "remove libraries/<library>/requests/<name>: own that waits", nothing, \
        lambda: os.unlink(f"{library}/requests/{who}-ends"), nothing
    new(f"{library}/requests/waits", f"mount media={place.held}")
    work = f"work/{number(f'{library}/requests/waits')}"
    yield "write work/<number>/order", nothing, lambda: put(f"{work}/order", "1"), nothing
    yield "remove work/<number>", nothing, lambda: os.rmdir(work), nothing
    if os.path.exists(work):
        os.rmdir(work)
    work = f"work/{place.waits[who]}"
    yield "write work/<number>/order: own", nothing, lambda: put(f"{work}/order", "1"), nothing
    yield "remove work/<number>: own", nothing, lambda: os.rmdir(work), nothing
    for name, value in [("description", who), ("inventory_method", "fast"), ("auto_recovery", "0")]:
        yield f"write libraries/<library>/{name}", nothing, lambda: put(f"{library}/{name}", value), nothing
    yield "write libraries/<library>/drives/<number>/defer_dismount_delay", nothing, \
        lambda: put(f"{library}/drives/1/defer_dismount_delay", "1h"), nothing
    yield "write libraries/<library>/driver", nothing, \
        lambda: put(f"{place.empty}/driver", f"virtual type={place.type} slots=1"), nothing
    yield "write libraries/<library>/enabled: 0", nothing, lambda: put(f"{test}/enabled", "0"), nothing
    place.switch(test, "0")
    yield "write libraries/<library>/enabled: 1", nothing, lambda: put(f"{test}/enabled", "1"), nothing
    place.switch(test, "1")
    yield "rename in libraries", nothing, lambda: os.rename(place.empty, f"{place.empty}x"), \
        lambda: os.rename(f"{place.empty}x", place.empty)
    yield "make in libraries", nothing, lambda: os.mkdir("libraries/new"), lambda: os.rmdir("libraries/new")
    yield "remove libraries/<library>", lambda: os.mkdir("libraries/old"), lambda: os.rmdir("libraries/old"), nothing
    if os.path.exists("libraries/old"):
        os.rmdir("libraries/old")


def people(place, who):
    """Requests to people: who sends, answers and forgets them."""
    config, state = place.config, {}
    of = {"pool": f"new-media pool=P{config}", "library": f"cleaner library=l{config}",
          "both": f"new-media pool=P{config} library=l{config}"}

    def asking(words):
        def act():
            state["number"] = given(ask("ask", words))
        return act

    def settle():
        state_file = f"operator/{state['number']}/state"
        if get(state_file) not in ("complete", "refused"):
            put(state_file, "refused")
        os.rmdir(f"operator/{state.pop('number')}")

    for name, words in [("message", "message hello"), ("new-media", of["pool"]), ("new-media, library", of["both"]),
                        ("move-media", f"move-media medium=p{config}-off library=l{config}"),
                        ("cleaner", of["library"]), ("device-service", f"device-service library=l{config} drive=1"),
                        ("device-service, medium", f"device-service medium=p{config}-1"),
                        ("device-service, shelf", f"device-service medium=p{config}-off")]:
        yield f"write ask: {name}", nothing, asking(words), settle
    def asked(words):
        """A request of root's that waits: the last one, unless it has its answer."""
        def make():
            if "number" not in state:
                asking(words)()
        return make

    for name, words in of.items():
        for word in ("active", "in-progress", "complete", "refused"):
            yield f"write operator/<number>/state: {word}, {name}", asked(words), \
                lambda: put(f"operator/{state['number']}/state", word), settle
        asked(words)()
        put(f"operator/{state['number']}/state", "refused")
        yield f"remove operator/<number>: {name}", nothing, lambda: os.rmdir(f"operator/{state['number']}"), state.clear
        if state:
            settle()
    mine = {name: place.operators[f"{name} by {who} in {config}"] for name in ("completed", "refused", "forgotten")}
    yield "write operator/<number>/state: complete, own", nothing, \
        lambda: put(f"operator/{mine['completed']}/state", "complete"), nothing
    yield "write operator/<number>/state: refused, own", nothing, \
        lambda: put(f"operator/{mine['refused']}/state", "refused"), nothing
    put(f"operator/{mine['forgotten']}/state", "complete")
    yield "remove operator/<number>: own", nothing, lambda: os.rmdir(f"operator/{mine['forgotten']}"), nothing


def system(place, who):
    """What is of the whole system."""
    for name, value in [("operator_purge_time", "72h"), ("operator_auto_purge", "1"), ("operator_keep_failed", "0"),
                        ("attended", "1"), ("hook_timeout", "1m"), ("hook_ages", "1h 4h 24h"), ("retention", "0")]:
        yield f"write settings/{name}", nothing, lambda: put(f"settings/{name}", value), nothing
    # What is there already is a write that changes nothing.
    yield "write settings/archived", nothing, lambda: put("settings/archived", get("settings/archived")), nothing
    for name, value in [("sides", "2"), ("read_write", "write-once"), ("description", "odd")]:
        yield f"write types/<media type>/{name}", nothing, lambda: put(f"types/Odd/{name}", value), nothing
    yield "make in types", nothing, lambda: os.mkdir("types/New"), lambda: os.rmdir("types/New")
    yield "remove types/<media type>", nothing, lambda: os.rmdir("types/Odd"), lambda: os.mkdir("types/Odd")
    yield "read events", nothing, lambda: os.close(os.open("events", os.O_RDONLY | os.O_NONBLOCK)), nothing
    yield "write events", nothing, lambda: put("events", "from=1", os.O_RDWR | os.O_NONBLOCK), nothing


def tenants(place, who):
    """What a tenant does: the pool is the root."""
    state = {}

    def taking():
        state["lmid"] = take(".")

    own = place.mine(who, "tenant")
    yield "tenant: list", nothing, lambda: os.listdir("."), nothing
    yield "tenant: read an attribute", nothing, lambda: get("type"), nothing
    yield "tenant: write an attribute", nothing, lambda: put("description", who), nothing
    yield "tenant: allocate", nothing, taking, lambda: os.rmdir(f"logical/{state['lmid']}")
    yield "tenant: submit a request", nothing, lambda: new(f"requests/{who}", "side=nobody/A"), nothing
    yield "tenant: read the result", nothing, lambda: get(f"results/{who}"), nothing
    yield "tenant: remove the request", nothing, lambda: os.unlink(f"requests/{who}"), nothing
    off = f"media/p{place.config}-off"
    yield "tenant: rename a medium", nothing, lambda: os.rename(off, f"{off}x"), lambda: os.rename(f"{off}x", off)
    yield "tenant: name the own", nothing, lambda: put(f"logical/{own}/name", "tenant"), nothing
    yield "tenant: deallocate the own", nothing, lambda: os.rmdir(f"logical/{own}"), nothing
    taking()
    yield "tenant: deallocate another's", nothing, lambda: os.rmdir(f"logical/{state['lmid']}"), nothing
    if os.path.exists(f"logical/{state['lmid']}"):
        os.rmdir(f"logical/{state['lmid']}")
    yield "tenant: read the last refusal", nothing, lambda: get("last-error"), nothing


def owned():
    """The LMIDs by pool, configuration, owner and name."""
    out = {}
    for lmid in os.listdir("logical"):
        pool = get(f"logical/{lmid}/pool/name")
        out[pool[0], int(pool[1:]), int(get(f"logical/{lmid}/owner")), get(f"logical/{lmid}/name")] = lmid
    return out


def tell(place, who, operations):
    for name, setup, attempt, after in operations:
        setup()
        said = attempt_as(who, attempt)
        if said == "yes":
            after()
        print(place.config, who, name, said, sep="\t")


def act(config):
    table = [line.rstrip("\n").split("\t") for line in sys.stdin]
    operators = {get(f"operator/{number}/message"): number for number in os.listdir("operator")}
    place = Place(config)
    place.survey(owned(), operators)
    place.examples = [example(pattern, kind, place) for pattern, kind, *_ in table]
    # First what shows: nothing has been changed yet.
    for who in WHO:
        tell(place, who, rows(place, table))
    for who in WHO:
        for operations in (pools, allocations, logical_media, libraries, people, system):
            tell(place, who, operations(place, who))


def tenant(config):
    place = Place(config)
    place.logical = owned()
    for who in WHO:
        tell(place, who, tenants(place, who))


if sys.argv[1] == "prepare":
    prepare()
else:
    {"act": act, "tenant": tenant}[sys.argv[1]](int(sys.argv[2]))
