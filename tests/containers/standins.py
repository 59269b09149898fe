"""Images with the real programs inside, made from Debian's packages and this machine's Node.js, without a registry.

Each stands in for the image whose name it bears: same program, same entry point conventions, same ports, users and
folders. `python -m tests.containers.standins` makes those that are missing. An image of such a name that did not come
from here is a real one: it is used as it is.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
LABEL = "gonogo.stand-in"
"""On each image made here; its value is the digest of what it was made from."""

USERS = {"root": 0, "redis": 998, "postgres": 999, "node": 1000, "nobody": 65534}
HOMES = {"root": "root", "node": "home/node", "postgres": "var/lib/postgresql"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MERGED = ("bin", "sbin", "lib", "lib64")
"""Links into `usr/`, as on every Debian since 12."""

BASE = ("busybox-static", "libc6", "libc-bin", "libgcc-s1", "libstdc++6", "tzdata")
PROMETHEUS_PAGES = (
    *("libjs-jquery", "libjs-jquery-hotkeys", "libjs-bootstrap", "libjs-bootstrap4", "libjs-popper.js"),
    *("libjs-moment", "libjs-moment-timezone", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-mustache"),
    *("libjs-d3", "libjs-rickshaw", "fonts-glyphicons-halflings"),
)
UNUSED = ("perl*", "libperl*", "libllvm*", "libz3-*", "locales", "dpkg", "adduser", "passwd", "libfile-*", "libtext-*")
"""Needed to install a package, or for what is dropped below; not to run the program."""


@dataclass(frozen=True)
class StandIn:
    """One image."""

    names: tuple[str, ...]
    packages: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    """Instructions as a Dockerfile has them."""
    drop: tuple[str, ...] = ()
    """Patterns of paths that are left out."""
    owned: tuple[tuple[str, str], ...] = ()
    """(folder, its owner)."""
    entrypoint: str = ""
    """The file in `entrypoints/` that becomes `docker-entrypoint.sh`."""
    links: tuple[tuple[str, str], ...] = ()
    """(path, what it leads to)."""
    files: tuple[tuple[str, str], ...] = ()
    """(path, what stands in it)."""


def _monitoring(name: str, *more: str) -> tuple[str, ...]:
    storage = {"prometheus": "--storage.tsdb.path", "alertmanager": "--storage.path"}[name]
    command = json.dumps([f"--config.file=/etc/{name}/{name}.yml", f"{storage}=/{name}", *more])
    port = {"prometheus": 9090, "alertmanager": 9093}[name]
    return (
        "USER nobody",
        f"WORKDIR /{name}",
        f"VOLUME /{name}",
        f"EXPOSE {port}",
        f'ENTRYPOINT ["/bin/{name}"]',
        f"CMD {command}",
    )


STAND_INS = (
    StandIn(
        names=("node:20", "node:20-slim", "node:20-alpine"),
        packages=("libc6", "libgcc-s1", "libstdc++6"),
        changes=(
            "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["node"]',
        ),
        drop=("*/gconv/*",),
        owned=(("home/node", "node"),),
        entrypoint="node.sh",
    ),
    StandIn(
        names=("postgres:15", "postgres:15-alpine"),
        packages=("postgresql-15", "postgresql-client-15"),
        changes=(
            f"ENV PATH={PATH}:/usr/lib/postgresql/15/bin",
            "ENV LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data PG_MAJOR=15",
            "VOLUME /var/lib/postgresql/data",
            "EXPOSE 5432",
            "STOPSIGNAL SIGINT",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["postgres"]',
        ),
        drop=("*/bitcode/*", "*/llvmjit*"),
        owned=(("var/lib/postgresql", "postgres"), ("docker-entrypoint-initdb.d", "root")),
        entrypoint="postgres.sh",
    ),
    StandIn(
        names=("redis:7", "redis:7-alpine"),
        packages=("redis-server", "redis-tools"),
        changes=(
            "WORKDIR /data",
            "VOLUME /data",
            "EXPOSE 6379",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["redis-server"]',
        ),
        drop=("etc/redis/*",),
        owned=(("data", "redis"),),
        entrypoint="redis.sh",
    ),
    StandIn(
        names=("nginx:1.22", "nginx:1.22-alpine"),
        packages=("nginx", "nginx-common", "gettext-base"),
        changes=(
            "EXPOSE 80",
            "STOPSIGNAL SIGQUIT",
            'ENTRYPOINT ["docker-entrypoint.sh"]',
            'CMD ["nginx", "-g", "daemon off;"]',
        ),
        drop=("etc/nginx/sites-enabled/*",),
        owned=(("var/log/nginx", "root"), ("var/lib/nginx", "root"), ("etc/nginx/sites-enabled", "root")),
        entrypoint="nginx.sh",
        files=(
            ("etc/nginx/conf.d/default.conf", "server {\n  listen 80;\n  root /usr/share/nginx/html;\n}\n"),
            ("usr/share/nginx/html/index.html", "<h1>nginx</h1>\n"),
        ),
        links=(("var/log/nginx/access.log", "/dev/stdout"), ("var/log/nginx/error.log", "/dev/stderr")),
    ),
    StandIn(
        names=("prom/prometheus:v2.42.0",),
        packages=("prometheus", *PROMETHEUS_PAGES),
        changes=_monitoring("prometheus"),
        drop=("*/moment-timezone/data/*", "etc/prometheus/*", "var/lib/prometheus/*"),
        owned=(("prometheus", "nobody"),),
        files=(
            (
                "etc/prometheus/prometheus.yml",
                "scrape_configs:\n- job_name: prometheus\n  static_configs: [{targets: ['localhost:9090']}]\n",
            ),
        ),
    ),
    StandIn(
        names=("prom/alertmanager:v0.25.0",),
        packages=("prometheus-alertmanager",),
        changes=_monitoring("alertmanager"),
        drop=("usr/bin/amtool", "etc/prometheus/*", "var/lib/prometheus/*"),
        owned=(("alertmanager", "nobody"),),
        files=(("etc/alertmanager/alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"),),
        links=(("usr/bin/alertmanager", "prometheus-alertmanager"),),
    ),
)


def digest() -> str:
    """Of all that goes into the images: this recipe, and the release of Node.js and of Debian."""
    said = subprocess.run([_program("node"), "--version"], capture_output=True, check=True).stdout
    files = sorted([Path(__file__), *(HERE / "entrypoints").iterdir()])
    return sha256(b"\0".join([said, *(file.read_bytes() for file in files)])).hexdigest()[:16]


def make(cache: Path) -> None:
    """Make every image that is missing or was made from something else; debs are kept in `cache`."""
    key = digest()
    wanted = [standin for standin in STAND_INS if not all(_is_there(name, key) for name in standin.names)]
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="gonogo-stand-ins-") as folder:
        debs = Debs(cache / "debs", Path(folder))
        with ThreadPoolExecutor(max_workers=2) as pool:
            for made in pool.map(lambda standin: _make(standin, debs, key), wanted):
                sys.stderr.write(f"stand-in: {made}\n")


def _is_there(name: str, key: str) -> bool:
    done = subprocess.run(
        [_program("docker"), "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', name],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0 and done.stdout.strip() in {key, ""}


class Debs:
    """Packages, downloaded once, and the libraries that their programs need."""

    def __init__(self, cache: Path, scratch: Path) -> None:
        self.cache = cache
        self.scratch = scratch
        cache.mkdir(parents=True, exist_ok=True)
        asked = {name for standin in STAND_INS for name in standin.packages} | set(BASE)
        self._files = {_package(path): path for path in self._download(sorted(asked))}
        self.libraries = scratch / "libraries"
        for path in self._files.values():
            if _package(path).startswith("lib"):
                self._unpack(path, self.libraries)

    def unpack(self, package: str, root: Path) -> None:
        """Put the files of a package below `root`."""
        self._unpack(self._files[package], root)

    def library_folders(self) -> list[Path]:
        """Where the libraries of all packages lie."""
        return sorted({path.parent for path in self.libraries.rglob("*.so*")})

    def _download(self, names: list[str]) -> list[Path]:
        """Each package asked for and all they depend on, as apt resolves it for an empty machine."""
        nothing = self.scratch / "status"
        nothing.touch()
        # apt lists no package that it keeps already: an archive of its own is empty.
        (self.scratch / "archives/partial").mkdir(parents=True)
        options = ["-o", f"Dir::State::status={nothing}", "-o", f"Dir::Cache::archives={self.scratch}/archives"]
        options += ["-o", "APT::Install-Recommends=0"]
        listed = _apt(self.scratch, "install", "--print-uris", "--yes", *options, *names)
        files = re.findall(r"^'[^']+' (\S+\.deb) ", listed, re.MULTILINE)
        wanted = [file for file in files if not any(fnmatch(_package(Path(file)), unused) for unused in UNUSED)]
        missing = [file for file in wanted if not (self.cache / file).exists()]
        if missing:
            _apt(self.scratch, "download", *(_package(Path(file)) for file in missing))
            for file in self.scratch.glob("*.deb"):
                shutil.move(file, self.cache / file.name)
        return [self.cache / file for file in wanted]

    def _unpack(self, deb: Path, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run([_program("dpkg-deb"), "-x", str(deb), str(root)], check=True)


def _package(deb: Path) -> str:
    return deb.name.split("_")[0]


def _apt(folder: Path, *arguments: str) -> str:
    argv = [_program("apt-get"), "-qq", *arguments]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and os.getuid() == 0:
        subprocess.run([_program("apt-get"), "-qq", "update"], check=True, capture_output=True)
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"apt-get {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


# --- one image --------------------------------------------------------------------------------------------------


def _make(standin: StandIn, debs: Debs, key: str) -> str:
    root = debs.scratch / standin.names[0].replace("/", "-")
    for package in ("busybox-static", "libc-bin", "tzdata", *standin.packages):
        debs.unpack(package, root)
    _merge_usr(root)
    _prune(root, ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", *standin.drop))
    _fill(root, standin)
    _link_libraries(root, debs)
    changes = (f"ENV PATH={PATH}", *standin.changes, f"LABEL {LABEL}={key}")
    argv = [part for change in changes for part in ("--change", change)]
    first, *others = standin.names
    with subprocess.Popen(
        [_program("docker"), "import", *argv, "-", first], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as importing:
        assert importing.stdin is not None
        with tarfile.open(fileobj=importing.stdin, mode="w|") as archive:
            _write(archive, root, standin)
        importing.stdin.close()
    if importing.returncode:
        raise RuntimeError(f"docker import {first} failed with exit code {importing.returncode}")
    for other in others:
        subprocess.run([_program("docker"), "tag", first, other], check=True)
    shutil.rmtree(root)
    return first


def _merge_usr(root: Path) -> None:
    for name in MERGED:
        if (root / name).exists():
            shutil.copytree(root / name, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(root / name)
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")


def _prune(root: Path, patterns: tuple[str, ...]) -> None:
    for path in sorted(root.rglob("*"), reverse=True):
        if any(fnmatch(path.relative_to(root).as_posix(), pattern) for pattern in patterns):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def _fill(root: Path, standin: StandIn) -> None:
    for folder in ("etc/ssl/certs", "tmp", "run", "proc", "sys", "dev", "usr/local/bin", *HOMES.values()):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder, _ in standin.owned:
        (root / folder).mkdir(parents=True, exist_ok=True)
    passwd = [f"{user}:x:{uid}:{uid}::/{HOMES.get(user, '')}:/bin/sh" for user, uid in USERS.items()]
    group = [f"{user}:x:{uid}:" for user, uid in USERS.items()]
    (root / "etc/passwd").write_text("\n".join([*passwd, "www-data:x:33:33::/var/www:/bin/false", ""]))
    (root / "etc/group").write_text("\n".join([*group, "www-data:x:33:", "nogroup:x:65533:", ""]))
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
    shutil.copy("/etc/os-release", root / "etc/os-release")
    if standin.entrypoint:
        shutil.copy(HERE / "entrypoints" / standin.entrypoint, root / "usr/local/bin/docker-entrypoint.sh")
    for path, target in standin.links:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    for path, text in standin.files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    if standin.names[0].startswith("node"):
        _fill_node(root)
    if (sample := root / "usr/share/postgresql/15/postgresql.conf.sample").exists():
        sample.write_text(sample.read_text().replace("#listen_addresses = 'localhost'", "listen_addresses = '*'", 1))
    _link_applets(root)


def _fill_node(root: Path) -> None:
    """This machine's Node.js and npm, where an official image has them."""
    shutil.copy(Path(_program("node")).resolve(), root / "usr/local/bin/node")
    npm = Path(_program("npm")).resolve().parents[1]
    shutil.copytree(npm, root / "usr/local/lib/node_modules/npm", symlinks=True)
    for name in ("npm", "npx"):
        (root / "usr/local/bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


def _link_applets(root: Path) -> None:
    listed = subprocess.run([root / "bin/busybox", "--list-full"], capture_output=True, text=True, check=True).stdout
    for applet in listed.split():
        path = root / applet.removeprefix("/")
        if not any(_exists(root / folder / path.name) for folder in ("bin", "sbin")):
            path.symlink_to("/bin/busybox")


def _exists(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _link_libraries(root: Path, debs: Debs) -> None:
    """Each shared library that a program below `root` needs: from the packages, else from this machine."""
    folders = debs.library_folders()
    own = sorted({path.parent for path in root.rglob("*.so*")})
    search = os.pathsep.join(str(folder) for folder in [*own, *folders])
    programs = [str(path) for path in root.rglob("*") if not path.is_symlink() and path.is_file() and _is_elf(path)]
    said = subprocess.run(
        [_program("ldd"), *programs],
        env={**os.environ, "LD_LIBRARY_PATH": search},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    lost = set(re.findall(r"^\s+(\S+) => not found", said, re.MULTILINE))
    if lost:
        raise RuntimeError(f"libraries not found: {', '.join(sorted(lost))}")
    # The loader is named by an absolute path; everything else by the name that the program asks for.
    for name, found in set(re.findall(r"^\s+(\S+)(?: => (\S+))? \(0x", said, re.MULTILINE)):
        source = Path(found or name)
        if source.is_relative_to(root) or name.startswith("linux-vdso"):
            continue
        place = root / (name.lstrip("/") if "/" in name else f"lib/{name}")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(next((f / source.name for f in folders if (f / source.name).exists()), source), place)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _write(archive: tarfile.TarFile, root: Path, standin: StandIn) -> None:
    """The folder as a layer, where everything is root's but what `owned` names."""
    owners = {folder: USERS[user] for folder, user in standin.owned}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        entry = archive.gettarinfo(path, name)
        entry.uid = entry.gid = next((uid for folder, uid in owners.items() if f"{name}/".startswith(f"{folder}/")), 0)
        entry.uname = entry.gname = ""
        entry.mode = 0o1777 if name == "tmp" else entry.mode
        if not entry.isreg():
            archive.addfile(entry)
            continue
        with path.open("rb") as content:
            archive.addfile(entry, content)


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"`{name}` is not installed")
    return found


def cache_folder() -> Path:
    """Where downloads are kept from one session to the next: `GONOGO_TEST_CACHE`, else below the user's cache."""
    given = os.environ.get("GONOGO_TEST_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return Path(given or Path.home() / ".cache") / "gonogo-tests"


if __name__ == "__main__":
    make(cache_folder())
