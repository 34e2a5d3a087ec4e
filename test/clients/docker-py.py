"""What docker-py's public integration tests do, told in one line each, so that two daemons can be compared.

Usage: python3 docker-py.py tcp://ADDRESS:PORT [VERSION]. With DOCKER_CERT_PATH it speaks TLS. Prints `name: ok` or `name: ERROR`; what is printed must not depend on the daemon.
"""
import io
import os
import sys
import tarfile
import time

import docker
from docker import errors

base_url, version = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "auto")
certificates = os.environ.get("DOCKER_CERT_PATH")
tls = certificates and docker.tls.TLSConfig(
    client_cert=(f"{certificates}/cert.pem", f"{certificates}/key.pem"), ca_cert=f"{certificates}/ca.pem", verify=True
)
client = docker.DockerClient(base_url=base_url, version=version, timeout=60, tls=tls)
api = client.api
tests = []


def raw(stream):
    """Without TLS a hijacked connection is in a SocketIO."""
    return getattr(stream, "_sock", stream)


def test(function):
    tests.append(function)
    return function


def raises(kind, words, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert words in str(error), str(error)
        return
    raise AssertionError("nothing was raised")


def same(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"


def sleeper(**kwargs):
    return client.containers.run("busybox", "sleep 600", detach=True, stop_signal="SIGKILL", **kwargs)


@test
def run_output():
    assert client.containers.run("busybox", "echo hello", remove=True) == b"hello\n"


@test
def run_fails():
    raises(errors.ContainerError, "exit status 3", client.containers.run, "busybox", "sh -c 'echo bad >&2; exit 3'", remove=True, stderr=True)


@test
def run_image_missing():
    raises(errors.APIError, "", api.create_container, "no-such-image-anywhere", "true")


@test
def create_inspect():
    made = api.create_container("busybox", ["true"], name="py-made", environment={"A": "1"}, labels={"x": "y"}, hostname="here",
                                host_config=api.create_host_config(mem_limit="64m", cap_add=["NET_ADMIN"], binds=["/tmp:/t:ro"]))
    shown = api.inspect_container(made["Id"])
    assert shown["Name"] == "/py-made" and shown["Config"]["Hostname"] == "here" and "A=1" in shown["Config"]["Env"]
    assert shown["HostConfig"]["Memory"] == 64 << 20 and shown["HostConfig"]["CapAdd"] in (["NET_ADMIN"], ["CAP_NET_ADMIN"])
    assert shown["Config"]["Labels"]["x"] == "y"
    assert [one["Id"] for one in api.containers(all=True, filters={"label": "x=y"})] == [made["Id"]]
    raises(errors.APIError, "is already in use", api.create_container, "busybox", name="py-made")


@test
def lifecycle():
    container = sleeper(name="py-life")
    assert client.containers.get("py-life").status == "running"
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.rename("py-renamed")
    container.restart(timeout=0)
    assert container.top()["Processes"]
    container.update(mem_limit="128m", memswap_limit="128m")
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 137
    container.start()
    container.kill()
    assert container.wait(condition="not-running")["StatusCode"] == 137
    container.remove()
    raises(errors.NotFound, "No such container", client.containers.get, "py-renamed")


@test
def logs():
    container = client.containers.run("busybox", "sh -c 'echo oops >&2; sleep 0.3; for i in 1 2 3; do echo line$i; done'", detach=True)
    container.wait()
    assert container.logs(stderr=False) == b"line1\nline2\nline3\n"
    assert container.logs(stdout=False) == b"oops\n"
    assert container.logs(tail=1, stderr=False) == b"line3\n"
    assert b"".join(container.logs(stream=True, stderr=False)) == b"line1\nline2\nline3\n"
    assert container.logs(timestamps=True, stderr=False).count(b"Z line") == 3


@test
def logs_follow():
    container = client.containers.run("busybox", "sh -c 'for i in 1 2 3; do echo line$i; sleep 0.2; done'", detach=True)
    assert list(container.logs(stream=True, follow=True)) == [b"line1\n", b"line2\n", b"line3\n"]


@test
def logs_tty():
    container = client.containers.run("busybox", "echo tty", detach=True, tty=True)
    container.wait()
    assert container.logs() == b"tty\r\n"


@test
def exec_all_ways():
    container = sleeper()
    same(container.exec_run("echo out"), (0, b"out\n"))
    same(container.exec_run("sh -c 'echo a; echo b >&2'", demux=True), (0, (b"a\n", b"b\n")))
    same(container.exec_run("sh -c 'exit 4'")[0], 4)
    same(b"".join(container.exec_run("sh -c 'echo 1; echo 2'", stream=True)[1]), b"1\n2\n")
    code, heard = container.exec_run("env", environment={"Q": "z"})
    assert (code, b"Q=z" in heard) == (0, True), f"exit code {code}, and all that was heard is {heard!r}"
    # Python's TLS cannot end one way alone
    made = api.exec_create(container.id, "head -n 1" if tls else "cat", stdin=True)
    sock = api.exec_start(made["Id"], socket=True)
    raw(sock).sendall(b"typed\n")
    if not tls:
        raw(sock).shutdown(1)
    heard = drain(sock)
    assert b"typed\n" in heard, repr(heard)
    same(api.exec_inspect(made["Id"])["ContainerID"], container.id)
    raises(errors.APIError, "executable file not found", lambda: check(container.exec_run("no-such-program")))


def check(result):
    # engines differ in whether start refuses or the exit code says it
    if result[0] in (126, 127):
        raise errors.APIError("executable file not found")


def drain(sock):
    heard = b""
    while True:
        got = raw(sock).recv(4096)
        if not got:
            return heard
        heard += got


@test
def attach_socket():
    made = api.create_container("busybox", "cat", stdin_open=True)
    sock = api.attach_socket(made["Id"], params={"stdin": 1, "stdout": 1, "stream": 1})
    api.start(made["Id"])
    raw(sock).sendall(b"through\n")
    heard = b""
    while not heard.endswith(b"\n"):
        heard += raw(sock).recv(4096)
    assert heard[8:] == b"through\n", heard
    api.kill(made["Id"])
    sock.close()


@test
def attach_stream():
    made = api.create_container("busybox", "sh -c 'while [ ! -e /listening ]; do sleep 0.1; done; echo attached'")
    api.start(made["Id"])
    stream = api.attach(made["Id"], stream=True)
    client.containers.get(made["Id"]).exec_run("touch /listening")
    assert b"".join(stream) == b"attached\n"


@test
def archives():
    container = sleeper()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        info = tarfile.TarInfo("put")
        info.size = 4
        tar.addfile(info, io.BytesIO(b"here"))
    assert container.put_archive("/tmp", packed.getvalue())
    assert container.exec_run("cat /tmp/put")[1] == b"here"
    bits, stat = container.get_archive("/tmp/put")
    assert stat["name"] == "put" and stat["size"] == 4
    with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as tar:
        assert tar.extractfile("put").read() == b"here"
    assert {"Path": "/tmp/put", "Kind": 1} in container.diff()
    raises(errors.NotFound, "", container.get_archive, "/nowhere")


@test
def stats_and_top():
    container = sleeper()
    assert container.stats(stream=False)["memory_stats"]
    assert next(container.stats(stream=True, decode=True))["read"]


@test
def images():
    image = client.images.get("busybox")
    assert "busybox:latest" in image.tags
    assert image.tag("py-tagged", "one")
    assert [one.id for one in client.images.list("py-tagged")] == [image.id]
    assert image.history()[0]["Id"]
    saved = b"".join(client.images.get("py-tagged:one").save(named="py-tagged:one"))
    client.images.remove("py-tagged:one")
    raises(errors.ImageNotFound, "No such image", client.images.get, "py-tagged:one")
    assert client.images.load(saved)[0].id == image.id
    client.images.remove("py-tagged:one")
    raises(errors.NotFound, "No such image", client.images.remove, "nope:nope")


@test
def build():
    image, log = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nLABEL made=py\nCMD echo built\n"), tag="py-built", rm=True)
    assert image.labels == {"made": "py"} and any("Successfully built" in line.get("stream", "") for line in log)
    assert client.containers.run("py-built", remove=True) == b"built\n"
    assert client.images.list(filters={"label": "made=py"})[0].id == image.id
    client.images.remove("py-built")
    raises(errors.BuildError, "non-zero code", client.images.build, fileobj=io.BytesIO(b"FROM busybox\nRUN exit 2\n"), rm=True)


@test
def commit_and_import():
    container = sleeper()
    container.exec_run("touch /mark")
    image = container.commit("py-commit", "1", message="why", conf={"Cmd": ["ls", "/mark"]})
    assert client.containers.run("py-commit:1", remove=True) == b"/mark\n"
    exported = b"".join(container.export())
    assert len(exported) > 10000
    api.import_image_from_data(exported, repository="py-import")
    assert client.containers.run("py-import", "ls /mark", remove=True) == b"/mark\n"
    client.images.remove("py-import")
    client.images.remove(image.id)


@test
def networks():
    network = client.networks.create("py-net", driver="bridge", labels={"n": "1"},
                                     ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet="10.44.0.0/24")]))
    assert client.networks.list(names=["py-net"])[0].id == network.id
    assert network.attrs["IPAM"]["Config"][0]["Subnet"] == "10.44.0.0/24" and network.attrs["Labels"] == {"n": "1"}
    container = sleeper(name="py-member")
    network.connect(container, aliases=["nick"], ipv4_address="10.44.0.9")
    network.reload()
    assert network.containers == [container] and network.attrs["Containers"][container.id]["IPv4Address"] == "10.44.0.9/24"
    container.reload()
    joined = container.attrs["NetworkSettings"]["Networks"]["py-net"]
    assert joined["IPAddress"] == "10.44.0.9" and "nick" in joined["Aliases"] and joined["IPAMConfig"]["IPv4Address"] == "10.44.0.9"
    raises(errors.APIError, "has active endpoints", network.remove)
    network.disconnect(container)
    network.reload()
    assert network.containers == []
    network.remove()
    raises(errors.NotFound, "py-net", client.networks.get, "py-net")
    raises(errors.APIError, "py-none", client.networks.get, "py-none")


@test
def volumes():
    volume = client.volumes.create("py-vol", driver="local", labels={"v": "1"})
    assert volume.attrs["Labels"] == {"v": "1"} and volume.attrs["Driver"] == "local"
    assert [one.name for one in client.volumes.list(filters={"label": "v=1"})] == ["py-vol"]
    client.containers.run("busybox", "sh -c 'echo kept > /v/f'", volumes={"py-vol": {"bind": "/v", "mode": "rw"}}, remove=True)
    assert client.containers.run("busybox", "cat /v/f", mounts=[docker.types.Mount("/v", "py-vol")], remove=True) == b"kept\n"
    volume.remove()
    raises(errors.NotFound, "no such volume", client.volumes.get, "py-vol")


@test
def events():
    since = int(time.time())
    container = client.containers.run("busybox", "true", detach=True, name="py-events")
    container.wait()
    container.remove()
    # what an Engine tells may come later than what it answers
    for _ in range(30):
        time.sleep(1)
        seen = list(client.events(since=since - 1, until=int(time.time()), decode=True, filters={"container": container.id, "type": "container"}))
        if len(seen) >= 4:
            break
    assert [one["Action"] for one in seen] == ["create", "start", "die", "destroy"], [one["Action"] for one in seen]


@test
def prune():
    client.containers.create("busybox", labels={"py-prune": "1"})
    assert len(client.containers.prune(filters={"label": "py-prune=1"})["ContainersDeleted"]) == 1
    client.networks.create("py-prune", labels={"py-prune": "1"})
    assert client.networks.prune(filters={"label": "py-prune=1"})["NetworksDeleted"] == ["py-prune"]
    client.volumes.create("py-prune", labels={"py-prune": "1"})
    assert client.volumes.prune(filters={"label": "py-prune=1"})["VolumesDeleted"] == ["py-prune"]


@test
def system():
    assert client.ping() and client.version()["ApiVersion"] and client.info()["Containers"] >= 0
    assert "Images" in client.df()


for function in tests:
    try:
        function()
        print(f"{function.__name__}: ok", flush=True)
    except Exception as error:  # every failure is one line of the comparison
        print(f"{function.__name__}: {type(error).__name__} {str(error)[:700]}", flush=True)
    for left in api.containers(all=True, quiet=True):
        api.remove_container(left["Id"], force=True, v=True)
