// What a team might write: where a user is logged in, and logging out elsewhere.

export class Refused extends Error {
  constructor(status) {
    super(`Tiledesk answered ${status}`);
    this.status = status;
  }
}

/** Signs in; what comes back is the value of `Authorization` for all other calls. */
export async function signIn(baseUrl, email, password) {
  const answer = await fetch(`${baseUrl}/auth/signin`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  if (!answer.ok) throw new Refused(answer.status);
  return (await answer.json()).token;
}

export class Sessions {
  constructor(baseUrl, authorization) {
    this.baseUrl = baseUrl;
    this.authorization = authorization;
  }

  /** The newest sessions, a page of them. A server that is busy is asked once more. */
  async list() {
    const { jwts } = await this.#call("GET", "/jwt/history?sortField=createdAt&direction=-1", { again: true });
    return jwts;
  }

  /** Ends the session of the token with this jti. */
  async logOut(jti) {
    await this.#call("DELETE", `/jwt/history/${encodeURIComponent(jti)}`);
  }

  async #call(method, path, { again = false } = {}) {
    const answer = await fetch(this.baseUrl + path, { method, headers: { Authorization: this.authorization } });
    if (answer.ok) return answer.json();
    if (again && answer.status === 503) return this.#call(method, path);
    throw new Refused(answer.status);
  }
}
