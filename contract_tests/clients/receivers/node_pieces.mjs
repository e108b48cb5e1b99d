// On Node, with a body that is put together from decoded pieces.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";

const secret = process.argv[2];
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("error", () => {});
  request.on("end", () => {
    const expected = "sha1=" + createHmac("sha1", secret).update(body).digest("hex");
    response.writeHead(request.headers["x-hub-signature"] === expected ? 200 : 403).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
