import assert from "node:assert/strict";
import { test } from "node:test";

import { Sessions } from "../sessions.js";
import { worldOfThisFile } from "../tiledesk_fake.js";

const { url, control } = worldOfThisFile();

async function sessionsOfAda(token = {}) {
  const ada = await control("POST", "/users", { email: "ada@example.com" });
  const { authorization } = await control("POST", `/users/${ada._id}/tokens`, token);
  return new Sessions(url, authorization);
}

test("a session ends when its time is up", async () => {
  const sessions = await sessionsOfAda({ expires_in_s: 3600 });
  assert.equal((await sessions.list()).length, 1);

  await control("POST", "/clock/advance", { hours: 2 });

  await assert.rejects(sessions.list(), { status: 401 });
});

test("a server that is busy is asked once more", async () => {
  const sessions = await sessionsOfAda();
  await control("POST", "/faults", { operation: "listTokens", status: 503 });

  assert.equal((await sessions.list()).length, 1);
});
