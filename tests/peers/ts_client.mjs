// Walks an MCP server with an official TypeScript client and checks every answer; prints one line a step.
// usage: ts_client.mjs URL [--sdk 1|2]     1 (default): @modelcontextprotocol/sdk, legacy era;
//                                          2: @modelcontextprotocol/client, which prefers the modern era
// Exit 0 only when every step held.
import { createRequire } from "node:module";

const modules = process.env.MCPIPE_PEERS ?? new URL("../../target/peers", import.meta.url).pathname;
const require = createRequire(`${modules}/node/package.json`);
const [url, flag, value] = process.argv.slice(2);
if (!url || (flag && (flag !== "--sdk" || !["1", "2"].includes(value)))) {
  console.error("usage: ts_client.mjs URL [--sdk 1|2]");
  process.exit(2);
}
const sdk = value ?? "1";

function fromSdk() {
  if (sdk === "2") {
    const { Client, StreamableHTTPClientTransport } = require("@modelcontextprotocol/client");
    const options = { versionNegotiation: { mode: "auto" } };
    return { Client, StreamableHTTPClientTransport, options };
  }
  const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
  const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
  return { Client, StreamableHTTPClientTransport, options: {} };
}

function check(step, holds, detail) {
  const shown = typeof detail === "string" ? detail : JSON.stringify(detail);
  if (!holds) throw new Error(`${step}: ${shown?.slice(0, 2000)}`);
  console.log(`ok typescript sdk ${sdk}: ${step} (${shown?.slice(0, 100)})`);
}

// Follows the cursor to the last page.
async function all(list, field) {
  const found = [];
  const seen = new Set();
  for (let cursor; ; ) {
    const page = await list(cursor === undefined ? {} : { cursor });
    found.push(...page[field]);
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
    if (seen.has(cursor)) throw new Error(`cursor ${cursor} came twice`);
    seen.add(cursor);
  }
}

async function walk() {
  const { Client, StreamableHTTPClientTransport, options } = fromSdk();
  const client = new Client({ name: "ts-test-client", version: "1" }, options);
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  const version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
  const wanted = sdk === "2" ? ["2026-07-28", "2025-11-25"] : ["2025-11-25"];
  check("initialize", wanted.includes(version), version);
  if (version !== "2026-07-28") check("ping", Object.keys(await client.ping()).length === 0, "{}");

  const tools = await all((p) => client.listTools(p), "tools");
  const echo = tools.find((tool) => tool.name === "echo");
  check("tools/list", echo !== undefined, tools.map((tool) => tool.name));
  check("echo takes a message", "message" in echo.inputSchema.properties, echo.inputSchema);
  check("echo is read-only", echo.annotations?.readOnlyHint === true, echo.annotations);

  const text = 'grüße, 世界, 🦀 \\ "quoted"\n';
  const answer = await client.callTool({ name: "echo", arguments: { message: text } });
  check("tools/call", !answer.isError && answer.content[0].text.includes(text), answer);
  const refused = await client.callTool({ name: "no-such-tool", arguments: {} }).then(
    (result) => result.isError === true,
    (error) => error.code === -32602,
  );
  check("tools/call of an unknown tool is refused", refused, refused);

  const resources = await all((p) => client.listResources(p), "resources");
  check("resources/list", resources.length > 0, `${resources.length}`);
  const { contents } = await client.readResource({ uri: resources[0].uri });
  check("resources/read", contents[0].uri === resources[0].uri, contents[0].uri);
  check("resources/read has a body", (contents[0].text ?? contents[0].blob).length > 0, contents[0]);
  const templates = await all((p) => client.listResourceTemplates(p), "resourceTemplates");
  check("resources/templates/list", templates.every((t) => t.uriTemplate.includes("{")), `${templates.length}`);

  const prompts = await all((p) => client.listPrompts(p), "prompts");
  check("prompts/list", prompts.length > 0, prompts.map((prompt) => prompt.name));
  const required = (prompts[0].arguments ?? []).filter((argument) => argument.required);
  const got = await client.getPrompt({
    name: prompts[0].name,
    arguments: Object.fromEntries(required.map((argument) => [argument.name, "Paris"])),
  });
  check("prompts/get", got.messages.length > 0, `${got.messages.length} messages`);

  const numbers = [...Array(10).keys()];
  const answers = await Promise.all(
    numbers.map((n) => client.callTool({ name: "echo", arguments: { message: `n${n}.` } })),
  );
  check("ten calls at once", answers.every((a, n) => a.content[0].text.includes(`n${n}.`)), "10 answers");
  if (transport.sessionId) await transport.terminateSession();
  await client.close();
  check("goodbye", true, "closed");
}

const limit = setTimeout(() => {
  console.error("FAILED typescript client: not done after 60 s");
  process.exit(1);
}, 60_000);
try {
  await walk();
} catch (error) {
  console.error(`FAILED typescript sdk ${sdk}: ${error.message}`);
  process.exitCode = 1;
} finally {
  clearTimeout(limit);
}
