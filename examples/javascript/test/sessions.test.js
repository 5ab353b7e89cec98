import assert from "node:assert/strict";
import { test } from "node:test";

import { Refused, Sessions, signIn } from "../sessions.js";
import { worldOfThisFile } from "../tiledesk_fake.js";

const { url, control } = worldOfThisFile();

const addAda = () => control("POST", "/users", { email: "ada@example.com", password: "secret" });

test("signing in is a session of its own", async () => {
  await addAda();
  const sessions = new Sessions(url, await signIn(url, "ada@example.com", "secret"));

  assert.equal((await sessions.list()).length, 1);
});

test("a wrong password is refused", async () => {
  await addAda();

  await assert.rejects(signIn(url, "ada@example.com", "wrong"), Refused);
});

test("logging out elsewhere revokes that token and no other", async () => {
  const ada = await addAda();
  const phone = await control("POST", `/users/${ada._id}/tokens`, { jti: "phone" });
  const sessions = new Sessions(url, await signIn(url, "ada@example.com", "secret"));

  await sessions.logOut("phone");

  assert.equal((await control("GET", "/tokens/phone")).revoked, true);
  await assert.rejects(new Sessions(url, phone.authorization).list(), { status: 401 });
  assert.equal((await sessions.list()).length, 2);
  const { exchanges } = await control("GET", "/journal?operation=revokeTokenByJti&status=200");
  assert.deepEqual(exchanges.map(({ path_params }) => path_params), [{ jti: "phone" }]);
});
