// A client of the API in the same repository: of the server it knows the contract's types alone.
// Run it beside `npm run dev`: API_KEY=bw_… npm run report
import type { Api } from "@__NAME__/api";
import { createClient } from "backwright/client";

const { API_URL = "http://127.0.0.1:3000", API_KEY } = process.env;
if (API_KEY === undefined) throw new Error("API_KEY is not set: `npm run dev` prints keys.");

const client = createClient<Api>({ url: API_URL, key: API_KEY });
for await (const task of client.tasks.all({ filter: { status: "open" } })) {
  console.log(`${task.id}  ${task.title}`);
}
