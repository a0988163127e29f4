// Starts npm's @modelcontextprotocol/server-everything on a port of ours, on loopback only.
// It takes its port from PORT and listens on every interface; neither can be said on its command line.
import net from "node:net";

const at = process.argv.indexOf("--port");
const port = Number(process.argv[at + 1]);
if (at < 0 || !Number.isInteger(port)) {
  console.error("usage: everything.mjs --port PORT");
  process.exit(2);
}
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (given, ...rest) {
  return listen.call(this, { port: Number(given), host: "127.0.0.1" }, ...rest.filter((r) => typeof r === "function"));
};
process.env.PORT = String(port);
// It logs a line a request on stdout, which nobody reads here and which would be measured along.
console.log = () => {};
const modules = process.env.MCPIPE_PEERS ?? new URL("../../target/peers", import.meta.url).pathname;
await import(`${modules}/node/node_modules/@modelcontextprotocol/server-everything/dist/transports/streamableHttp.js`);
