// Drives mcp-chaos --api with Toxiproxy's client for Node, bytes through its proxies included; prints one line a step.
// usage: toxiproxy_client.mjs URL
// Exit 0 only when every step held.
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";

const modules = process.env.MCPIPE_PEERS ?? new URL("../../target/peers", import.meta.url).pathname;
const { Toxiproxy } = createRequire(`${modules}/node/package.json`)("toxiproxy-node-client");
const [url] = process.argv.slice(2);
if (!url) {
  console.error("usage: toxiproxy_client.mjs URL");
  process.exit(2);
}

function check(step, holds, detail) {
  const shown = typeof detail === "string" ? detail : JSON.stringify(detail);
  if (!holds) throw new Error(`${step}: ${shown?.slice(0, 2000)}`);
  console.log(`ok toxiproxy-node-client: ${step} (${shown?.slice(0, 100)})`);
}

// The sentence with which something fails.
async function refused(promise) {
  try {
    await promise;
  } catch (e) {
    return e.message;
  }
  return "it did not fail";
}

function echo() {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

// Milliseconds there and back on a new connection.
function round(address) {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const socket = connect({ host, port });
    socket.on("error", reject);
    socket.on("data", () => {
      resolve(performance.now() - began);
      socket.destroy();
    });
    socket.on("close", () => reject(new Error("closed")));
    socket.write("ping");
  });
}

// How a connection ends on which nothing is sent.
function end(address) {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on("error", (e) => resolve(e.code));
    socket.on("close", () => resolve("closed"));
    socket.resume();
  });
}

const toxics = [
  ["latency", { latency: 300, jitter: 0 }],
  ["bandwidth", { rate: 1000 }],
  ["slow_close", { delay: 10 }],
  ["timeout", { timeout: 50 }],
  ["reset_peer", { timeout: 50 }],
  ["slicer", { average_size: 2, size_variation: 1, delay: 10 }],
  ["limit_data", { bytes: 100 }],
];

async function walk() {
  const server = await echo();
  const upstream = `127.0.0.1:${server.address().port}`;
  const toxiproxy = new Toxiproxy(url);
  const version = await toxiproxy.getVersion();
  check("version", /^\d+\.\d+/.test(JSON.parse(version).version), version.trim());

  const proxy = await toxiproxy.createProxy({ name: "echo", listen: "localhost:0", upstream });
  check("create", proxy.enabled && proxy.upstream === upstream, proxy.toJson());
  const plain = await round(proxy.listen);
  check("bytes pass", plain < 300, `${plain.toFixed(1)} ms`);
  const again = await refused(toxiproxy.createProxy({ name: "echo", listen: "", upstream }));
  check("create again", again.includes("409"), again);

  for (const [type, attributes] of toxics) {
    const toxic = await proxy.addToxic({ type, attributes, name: `${type}_1`, stream: "downstream", toxicity: 1 });
    const got = await proxy.getToxic(`${type}_1`);
    const same = JSON.stringify(got.toJson()) === JSON.stringify(toxic.toJson());
    check(`toxic ${type}`, same && Object.entries(attributes).every(([k, v]) => got.attributes[k] === v), got.toJson());
    if (type === "latency") {
      const slow = await round(proxy.listen);
      check("bytes are late", slow >= 300, `${slow.toFixed(1)} ms`);
      const updated = await toxic.update({ ...toxic.toJson(), attributes: { latency: 600 }, toxicity: 0.5 });
      check("update", updated.attributes.latency === 600 && updated.toxicity === 0.5, updated.toJson());
    }
    const ends = { reset_peer: "ECONNRESET", timeout: "closed" }[type];
    if (ends) {
      const found = await end(proxy.listen);
      check(`${type} is felt`, found === ends, found);
    }
    await toxic.remove();
    const gone = await refused(proxy.getToxic(`${type}_1`));
    check(`remove ${type}`, gone.includes("404"), gone);
  }
  const wrong = await refused(proxy.addToxic({ type: "noop", attributes: {} }));
  check("no such type", wrong.includes("400"), wrong);

  const down = await proxy.update({ enabled: false, listen: proxy.listen, upstream });
  const closed = await refused(round(proxy.listen));
  check("down", !down.enabled && closed.includes("ECONNREFUSED"), closed);
  await proxy.addToxic({ type: "latency", attributes: { latency: 300 } });
  await toxiproxy.reset();
  const after = await toxiproxy.get("echo");
  check("reset", after.enabled && (await round(after.listen)) < 300, after.toJson());

  const body = [
    { name: "echo", listen: "127.0.0.1:0", upstream },
    { name: "more", listen: "127.0.0.1:0", upstream },
  ];
  const first = await toxiproxy.populate(body);
  const second = await toxiproxy.populate(body);
  const listens = (all) => Object.values(all).map((p) => `${p.name} ${p.listen}`);
  check("populate", listens(first).join() === listens(second).join(), listens(second));
  check("populate keeps", first.echo.listen === proxy.listen, proxy.listen);
  const all = await toxiproxy.getAll();
  check("all", "more" in all && "echo" in all, Object.keys(all));
  await all.more.remove();
  const deleted = await refused(toxiproxy.get("more"));
  check("delete", deleted.includes("404"), deleted);
  server.close();
}

walk().then(
  () => process.exit(0),
  (e) => {
    console.error(`not ok toxiproxy-node-client: ${e.stack}`);
    process.exit(1);
  },
);
