// On Node, with GitHub's library for the signature, which has the same shape.
import { createServer } from "node:http";
import { verify } from "@octokit/webhooks-methods";

const secret = process.argv[2];

async function judged(body, signature) {
  if (!signature || !body || !(await verify(secret, body, signature).catch(() => false))) return 403;
  try {
    JSON.parse(body);
  } catch {
    return 400;
  }
  return 200;
}

const server = createServer((request, response) => {
  if (request.method !== "POST") return response.writeHead(405).end();
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("error", () => {});
  request.on("end", async () => {
    const body = Buffer.concat(chunks).toString("utf8");
    response.writeHead(await judged(body, request.headers["x-hub-signature-256"])).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
