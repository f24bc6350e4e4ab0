"""Opens status.html and map.svg of a tree in headless Chromium, as a person would: page.py TREE OUT

From the mount (file:) and from a plain web server, light and dark, on a desk and on a phone. Says what is wrong, one line each,
and leaves pictures in OUT. Chromium is driven through its own driver: nothing but the standard library is needed here.
"""

import base64
import functools
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
import xml.etree.ElementTree

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
SCHEMES = ["light", "dark"]
PATIENCE = 60

# What a page is asked for once its script has run.
FACTS = """
const names = [...document.querySelectorAll("bdi")].map(e => e.textContent);
const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
const fills = [...document.querySelectorAll("[fill]")].map(e => e.getAttribute("fill"));
return {
  width: document.documentElement.scrollWidth, inner: innerWidth, title: document.title,
  times: [...document.querySelectorAll("time")].map(e => [e.textContent, e.title, e.dateTime]),
  read: document.getElementById("read").textContent, names: names,
  headings: [...document.querySelectorAll("h1,h2,h3")].map(e => [e.tagName, e.textContent]),
  tables: [...document.querySelectorAll("table")].map(e => e.caption ? e.caption.textContent : ""),
  images: [...document.querySelectorAll("svg")].map(e => e.ariaHidden || e.ariaLabel || ""),
  twice: ids.filter((id, at) => ids.indexOf(id) !== at),
  unfilled: fills.filter(f => f.startsWith("url(#")).filter(f => !document.getElementById(f.slice(5, -1))),
  scripts: document.scripts.length, foreign: [...document.querySelectorAll("img,iframe,object,embed,link,form,base")].length,
  handlers: [...document.querySelectorAll("*")].flatMap(e => [...e.attributes]).filter(a => /^on/i.test(a.name)).length,
  links: [...document.links].map(e => e.href), loaded: performance.getEntriesByType("resource").map(e => e.name),
  ground: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
  pwned: typeof pwned !== "undefined",
};
"""

wrong = []


def check(place, holds, what):
    if not holds:
        wrong.append(f"{place}: {what}")


class Browser:
    """A session of the driver."""

    def __init__(self, profile):
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                break
        else:
            raise SystemExit("chromedriver ended before it listened")
        self.base = f"http://127.0.0.1:{found[1]}/session"
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.base += "/" + made["sessionId"]

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    def devtools(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def open(self, url, size, scheme):
        width, height = SIZES[size]
        phone = size == "phone"
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1 + phone, mobile=phone
        )
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("POST", "/url", {"url": url})

    def run(self, script):
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def complaints(self):
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def picture(self, path):
        shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def end(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()


def look(browser, url, out, name, size, scheme):
    """Looks at the page once."""
    place = f"{name}, {size}, {scheme}"
    browser.open(url, size, scheme)
    facts = browser.run(FACTS)
    for message in browser.complaints():
        # A browser asks every web server for an icon, and the policy of the page forbids pictures.
        check(place, "favicon.ico" in message, f"the console says {message}")
    check(place, facts["width"] <= facts["inner"], f"{facts['width']} px wide in {facts['inner']}")
    check(place, facts["inner"] == SIZES[size][0], f"the viewport is {facts['inner']} px")
    check(place, facts["read"].startswith("Read at "), "the script has not run")
    check(place, facts["times"] != [], "no instants")
    for text, title, exact in facts["times"]:
        aged = re.fullmatch(r"(in )?\d+\s(d|h|min|s)( \d+\s(h|min|s))?( ago)?", text)
        check(place, aged and text.startswith("in ") != text.endswith(" ago"), f"an age is {text!r}")
        check(place, title[:10] == exact[:10] and title.endswith(" UTC"), f"{exact} was {title!r}")
    check(place, facts["scripts"] == 1 and facts["foreign"] == 0 and facts["handlers"] == 0, "foreign elements")
    check(place, not facts["pwned"], "a script of somebody else ran")
    check(place, all(facts["tables"]), "a table without a caption")
    check(place, all(facts["images"]), "a drawing without words")
    check(place, not facts["twice"], f"identifiers twice: {facts['twice']}")
    check(place, not facts["unfilled"], f"patterns that are not there: {facts['unfilled']}")
    tags = [tag for tag, _ in facts["headings"]]
    check(place, tags[0] == "H1" and tags.count("H1") == 1 and "H3" not in tags[: tags.index("H2")], f"headings {tags}")
    root = url.rsplit("/", 1)[0] + "/"
    check(place, all(link.startswith(root) for link in facts["links"]), "a link leads out of the tree")
    check(place, facts["loaded"] == [], f"it loaded {facts['loaded']}")
    check(place, (sum(map(int, re.findall(r"\d+", facts["ground"])[:3])) < 200) == (scheme == "dark"), facts["ground"])
    browser.picture(out / f"{name}-{size}-{scheme}.png")
    return facts


def look_without_script(browser, url, out):
    """Looks at the page where no script runs: it is complete, and fits a phone with its instants in full."""
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url, "phone", "light")
    width = browser.devtools("Page.getLayoutMetrics")["cssContentSize"]["width"]
    check("without a script", width <= SIZES["phone"][0], f"{width} px wide")
    root = browser.devtools("DOM.getDocument")["root"]["nodeId"]
    text = browser.devtools("DOM.getOuterHTML", nodeId=root)["outerHTML"]
    times = re.findall(r"<time[^>]*>(.*?)</time>", text)
    full = [time for time in times if re.fullmatch(r"[-0-9]{10} [:0-9]{8} UTC", time)]
    check("without a script", times and full == times, f"instants {times}")
    browser.picture(out / "no-script.png")
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def look_at_map(browser, library, out):
    """Looks at the map of a library by itself."""
    url = (library / "map.svg").as_uri()
    for scheme in SCHEMES:
        browser.open(url, "desk", scheme)
        check(url, browser.run("return document.documentElement.tagName") == "svg", "no drawing")
        check(url, browser.run("return document.querySelector('parsererror') === null"), "not well-formed")
        for message in browser.complaints():
            check(url, False, f"the console says {message}")
        browser.picture(out / f"map-{library.name[:20]}-{scheme}.png")


def main():
    tree, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    out.mkdir(exist_ok=True)
    # Whatever is not escaped as it must be, a strict reader does not take.
    xml.etree.ElementTree.parse(tree / "status.html")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=tree))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            for size in SIZES:
                for scheme in SCHEMES:
                    facts = look(browser, tree.as_uri() + "/status.html", out, "file", size, scheme)
            look(browser, served + "status.html", out, "served", "desk", "light")
            names = facts["names"]
            for link in sorted(set(facts["links"])):
                path = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(link).path))
                check("links", path.exists(), f"{path} is not there")
            look_without_script(browser, tree.as_uri() + "/status.html", out)
            for library in sorted((tree / "libraries").iterdir()):
                look_at_map(browser, library, out)
        finally:
            browser.end()
    for name in names:
        print("name", json.dumps(name))
    for line in wrong:
        print("wrong", line)


main()
