"""Sound dCache hosts for the tests: no check may find more than a notice in them."""

from __future__ import annotations

CONF = "etc/dcache/dcache.conf"
LAYOUT = "etc/dcache/layouts/se1.conf"


def site(release: str) -> dict[str, str]:
    """A site on one host with tokens over HTTPS, as it would be written for a release line."""
    major, minor = (int(part) for part in release.split(".")[:2])
    line = (major, minor)
    provider = "https://iam.example.net/"
    if line >= (8, 1):
        provider += " -profile=wlcg -prefix=/data"
    audience = "gplazma.oidc.audience-targets = https://se1.lake.test\n" if line >= (8, 0) else ""
    role = " roles:qos-group" if line >= (9, 2) else ""
    cleaner = "cleaner-disk" if line >= (9, 0) else "cleaner"
    qos = "".join(f"[core/{name}]\n" for name in ("qos-engine", "qos-verifier", "qos-scanner", "qos-adjuster")) if line >= (8, 1) else ""
    client = "".join(f"frontend.authn.oidc.{key} =\n" for key in ("client-id", "client-secret", "token-url")) if line >= (11, 2) else ""
    return {
        "etc/hostname": "se1.lake.test\n",
        "etc/dcache/gplazma.conf": "auth optional oidc\nmap optional multimap\nsession requisite nsswitch\n",
        "etc/dcache/multi-mapfile": f"oidcgrp:/escape username:escape uid:2000 gid:2000,true{role}\n",
        CONF: (
            "# site-wide\n"
            "dcache.enable.space-reservation = false\n"
            "dcache.default-access-latency = ONLINE\n"
            "dcache.default-retention-policy = REPLICA\n"
            "dcache.java.memory.heap = 4096m\n"
            "site.domain = lake.test\n"
            "dcache.zookeeper.connection = zk1.${site.domain}:2181,zk2.${site.domain}:2181\n"
            "info-provider.se-unique-id = se1.${site.domain}\n"
            f"{audience}"
        ),
        LAYOUT: (
            "pool.root = /srv/pools\n"
            "\n"
            "[core]\n"
            "dcache.broker.scheme = core\n"
            "dcache.net.wan.port.min = 20000\n"
            "dcache.net.wan.port.max = 21000\n"
            "[core/zookeeper]\n"
            "[core/admin]\n"
            "admin.ssh.authn.enabled = publickey, password\n"
            "[core/pnfsmanager]\n"
            "[core/poolmanager]\n"
            f"[core/{cleaner}]\n"
            "[core/pinmanager]\n"
            "[core/gplazma]\n"
            f"gplazma.oidc.provider!escape = {provider}\n"
            "gplazma.oidc.http.timeout = 20\n"
            "gplazma.oidc.http.timeout.unit = SECONDS\n"
            f"{qos}"
            "[doors-${host.name}]\n"
            "[doors-${host.name}/webdav]\n"
            "webdav.authn.protocol = https\n"
            "webdav.net.port = 2880\n"
            "[doors-${host.name}/webdav]\n"
            "webdav.cell.name = WebDAV-plain-${host.name}\n"
            "webdav.net.port = 2881\n"
            "webdav.authz.anonymous-operations = READONLY\n"
            "[doors-${host.name}/frontend]\n"
            f"{client}"
            "[doors-${host.name}/xrootd]\n"
            "xrootd.authz.write-paths = /data\n"
            "[pools]\n"
            "[pools/pool]\n"
            "pool.name = fast_1\n"
            "pool.path = ${pool.root}/${pool.name}\n"
            "pool.size = 10T\n"
            "pool.tags = hostname=${host.name} class=fast\n"
            "[pools/pool]\n"
            "pool.name = fast_2\n"
            "pool.path = ${pool.root}/${pool.name}\n"
        ),
    }
