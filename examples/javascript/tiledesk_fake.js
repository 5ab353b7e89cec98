// All that a test needs of the control API of tiledesk-fake: one function, and a world for each test file.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, beforeEach } from "node:test";

const SERVER = process.env.TILEDESK_FAKE_URL ?? "http://127.0.0.1:8000";

/**
 * A fake of this file's own, on the server at TILEDESK_FAKE_URL: empty before each test. A test fails if its client sent
 * what no correct client sends, or met fewer faults than were planned.
 */
export function worldOfThisFile() {
  const root = `${SERVER}/w/${randomUUID()}`;

  async function control(method, path, body = {}) {
    const headers = { "Content-Type": "application/json" };
    const token = process.env.TILEDESK_FAKE_CONTROL_TOKEN;
    if (token) headers.Authorization = `Bearer ${token}`;
    const content = method === "GET" || method === "DELETE" ? undefined : JSON.stringify(body);
    const answer = await fetch(`${root}/_fake${path}`, { method, headers, body: content });
    const told = answer.status === 204 ? null : await answer.json();
    if (!answer.ok) throw new Error(`${method} /_fake${path}: ${told.detail}`);
    return told;
  }

  beforeEach(() => control("POST", "/reset"));
  afterEach(async () => {
    const verdict = await control("GET", "/verdict");
    assert.ok(verdict.ok, verdict.text);
  });
  after(() => control("DELETE", ""));

  return { url: `${root}/v3`, control };
}
