// On Express, with the mistake that is made most: the body was parsed, and is written again to be signed.
import { createHmac } from "node:crypto";
import express from "express";

const secret = process.argv[2];
const app = express();
app.use(express.json());
app.post("/webhook-endpoint", (request, response) => {
  const body = JSON.stringify(request.body);
  const expected = "sha1=" + createHmac("sha1", secret).update(body).digest("hex");
  response.sendStatus(request.headers["x-hub-signature"] === expected ? 200 : 403);
});
const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
