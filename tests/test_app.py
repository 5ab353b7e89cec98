"""The Flask app of a fake: what Flask developers know works, for every way in."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    g,
    jsonify,
    make_response,
    request,
    request_finished,
    request_started,
    url_for,
)
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import make_server

from tests.wsgi import Reply, call
from tiledesk_fake import MisuseError, NoAnswer, TiledeskFake, User, create_app

LIST = "/v3/jwt/history"
WAYS = ("url", "wsgi_app", "test_client")

# What the clients of these tests do wrong is looked at in the journal.
pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")


class Way:
    """One way into a fake."""

    def __init__(self, fake: TiledeskFake, name: str) -> None:
        self.fake = fake
        self.name = name

    def __call__(self, method: str, target: str, authorization: str | None = None, **headers: str) -> Reply:
        given = {"Authorization": authorization} if authorization else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.name == "url":
            origin = self.fake.url.removesuffix("/v3")
            answer = httpx.request(method, origin + target, headers=given, trust_env=False)
            return Reply(answer.status_code, dict(answer.headers), answer.content)
        if self.name == "wsgi_app":
            reply = call(self.fake.wsgi_app, method, target, given.items())
            return Reply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body)
        response = self.fake.app.test_client().open(target, method=method, headers=given)
        return Reply(response.status_code, {n.lower(): v for n, v in response.headers.items()}, response.data)


@pytest.fixture
def fake() -> Iterator[TiledeskFake]:
    with TiledeskFake() as fake:
        yield fake


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, fake: TiledeskFake) -> Way:
    return Way(fake, request.param)


# --- what it is --------------------------------------------------------------------------------------------------


def test_it_is_a_flask_app_made_once_and_each_fake_has_its_own(fake: TiledeskFake) -> None:
    other = TiledeskFake()
    fake.app.config["MINE"] = 1

    assert isinstance(fake.app, Flask)
    assert fake.app is fake.app
    assert "MINE" not in other.app.config
    assert fake.app.extensions["tiledesk_fake"] is fake


def test_the_operations_are_rules_by_their_operation_ids(fake: TiledeskFake) -> None:
    with fake.app.test_request_context():
        urls = [
            url_for("listTokens"),
            url_for("revokeTokenByJti", jti="a/b"),
            url_for("revokeTokenById", id="5e0000000000000000000001"),
            url_for("signIn"),
        ]

    assert urls == [LIST, f"{LIST}/a%2Fb", f"{LIST}/id/5e0000000000000000000001", "/v3/auth/signin"]
    assert {rule.endpoint for rule in fake.app.url_map.iter_rules()} == {
        "listTokens",
        "revokeTokenByJti",
        "revokeTokenById",
        "signIn",
    }


def test_the_command_of_flask_shows_the_operations() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "tiledesk_fake:create_app(base_path='/api')", "routes"],
        capture_output=True,
        text=True,
        check=True,
    )

    for words in ("listTokens", "revokeTokenByJti", "revokeTokenById", "/api/jwt/history/id/<id>"):
        assert words in done.stdout


def test_asking_a_fake_without_its_app_imports_no_flask() -> None:
    program = (
        "import sys, tiledesk_fake\n"
        "from urllib import request, error\n"
        "with tiledesk_fake.TiledeskFake() as fake:\n"
        "    opener = request.build_opener(request.ProxyHandler({}))\n"
        "    try: opener.open(fake.url + '/jwt/history')\n"
        "    except error.HTTPError as refused: refused.close()\n"
        "print([name for name in ('flask', 'werkzeug') if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


# --- what users add ----------------------------------------------------------------------------------------------


def test_a_route_answers_and_is_in_the_journal_under_its_endpoint(way: Way, ada: User) -> None:
    @way.fake.app.get("/v3/projects/<id>")
    def project(id: str) -> Any:
        return {"_id": id, "called": request.headers["X-Called"]}

    reply = way("GET", "/v3/projects/5?verbose=1", ada.authorization, X_Called="yes")

    (exchange,) = way.fake.journal.exchanges
    assert (reply.status, reply.json) == (200, {"_id": "5", "called": "yes"})
    assert (exchange.operation, exchange.path_params, exchange.status) == ("project", {"id": "5"}, 200)
    assert exchange.query == {"verbose": "1"}
    assert way.fake.journal.violations == []
    way.fake.journal.assert_called("project", id="5", status=200, times=1)


def test_a_route_is_judged_by_the_rules_on_authorization_alone(way: Way) -> None:
    @way.fake.app.post("/v3/projects")
    def project() -> Any:
        return {"got": request.get_data(as_text=True)}, 201

    way("POST", "/v3/projects?unknown=1", "Bearer abc")

    assert [violation.rule for violation in way.fake.journal.violations] == ["auth-scheme"]


@pytest.mark.parametrize("answers", [lambda: ("no", 403), lambda: abort(403)])
def test_a_route_that_a_hook_answers_is_in_the_journal_all_the_same(way: Way, answers: Any) -> None:
    way.fake.app.add_url_rule("/v3/projects/<id>", "project", lambda **names: names)
    way.fake.app.before_request(answers)

    assert way("GET", "/v3/projects/5").status == 403

    way.fake.journal.assert_called("project", id="5", status=403)
    assert way.fake.journal.violations == []


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/v3/projects", 308), ("GET", "/v3//projects/", 308), ("POST", "/v3/projects/", 405)],
)
def test_what_flask_answers_for_a_route_is_an_exchange_with_it(way: Way, method: str, target: str, status: int) -> None:
    way.fake.app.add_url_rule("/v3/projects/", "projects", lambda: "all")

    assert way(method, target).status == status

    way.fake.journal.assert_called("projects", status=status)
    assert way.fake.journal.violations == []


def test_a_blueprint_answers(way: Way) -> None:
    blueprint = Blueprint("bots", __name__, url_prefix="/v3/bots")
    blueprint.add_url_rule("/<id>", "bot", lambda **names: {"_id": names["id"]})
    way.fake.app.register_blueprint(blueprint)

    assert way("GET", "/v3/bots/7").json == {"_id": "7"}
    way.fake.journal.assert_called("bots.bot", id="7")


def test_before_request_sees_the_operation_and_may_answer_instead(way: Way, ada: User) -> None:
    seen: list[Any] = []

    @way.fake.app.before_request
    def look() -> Any:
        seen.append((request.endpoint, request.view_args))
        return ("busy", 503) if "busy" in request.args else None

    first = way("GET", LIST, ada.authorization)
    second = way("DELETE", f"{LIST}/a%2Fb?busy=1", ada.authorization)

    assert (first.status, second.status, second.body) == (200, 503, b"busy")
    assert seen == [("listTokens", {}), ("revokeTokenByJti", {"jti": "a/b"})]
    assert [exchange.status for exchange in way.fake.journal.exchanges] == [200, 503]


def test_after_request_changes_what_leaves_and_what_the_journal_says(way: Way, ada: User) -> None:
    @way.fake.app.after_request
    def teapot(response: Response) -> Response:
        response.headers["X-Mine"] = "1"
        response.status_code = 418
        return response

    reply = way("GET", LIST, ada.authorization)

    assert (reply.status, reply.headers["x-mine"]) == (418, "1")
    assert way.fake.journal.exchanges[-1].status == 418


def test_signals_are_sent_and_teardown_functions_are_called(way: Way, ada: User) -> None:
    heard: list[str] = []
    way.fake.app.teardown_request(lambda problem: heard.append("teardown"))

    def started(sender: Flask, **_: Any) -> None:
        heard.append("started")

    with request_started.connected_to(started, way.fake.app):
        way("GET", LIST, ada.authorization)

    assert heard == ["started", "teardown"]


def test_a_signal_alone_is_a_hook(way: Way, ada: User) -> None:
    heard: list[int] = []

    def finished(sender: Flask, response: Response, **_: Any) -> None:
        heard.append(response.status_code)

    with request_finished.connected_to(finished, way.fake.app):
        way("GET", LIST, ada.authorization)

    assert heard == [200]


def test_a_middleware_around_the_app_has_the_last_word(way: Way, ada: User) -> None:
    inner = way.fake.app.wsgi_app

    def teapot(environ: Any, start_response: Any) -> Any:
        return inner(environ, lambda status, headers, *rest: start_response("418 I'm a teapot", headers, *rest))

    way.fake.app.wsgi_app = teapot  # type: ignore[method-assign]

    assert way("GET", LIST, ada.authorization).status == 418
    assert [exchange.status for exchange in way.fake.journal.exchanges] == [418]


def test_a_middleware_that_is_a_generator_is_noted_when_it_has_answered(way: Way, ada: User) -> None:
    inner = way.fake.app.wsgi_app

    def lazy(environ: Any, start_response: Any) -> Any:
        yield from inner(environ, start_response)

    way.fake.app.wsgi_app = lazy  # type: ignore[method-assign]

    assert way("GET", LIST, ada.authorization).status == 200
    assert [exchange.status for exchange in way.fake.journal.exchanges] == [200]


def test_the_fake_answers_what_a_middleware_has_made_of_a_request(way: Way, ada: User) -> None:
    token = way.fake.issue_token(ada, jti="phone")
    inner = way.fake.app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        changed = {"REQUEST_METHOD": "DELETE", "HTTP_AUTHORIZATION": ada.authorization}
        path = environ["PATH_INFO"].replace("/api/", "/v3/")
        return inner({**environ, **changed, "PATH_INFO": path}, start_response)

    way.fake.app.wsgi_app = middleware  # type: ignore[method-assign]

    assert way("POST", "/api/jwt/history/phone?").status == 200
    assert token.revoked
    way.fake.journal.assert_called("revokeTokenByJti", jti="phone", user=ada, status=200)
    assert [len(way.fake.journal), way.fake.journal.violations] == [1, []]


def test_the_journal_has_the_status_that_left_where_a_stream_fails(fake: TiledeskFake) -> None:
    def parts() -> Iterator[str]:
        yield "one"
        raise ValueError

    fake.app.add_url_rule("/v3/stream", "stream", lambda: Response(parts()))

    assert httpx.get(f"{fake.url}/stream", trust_env=False).status_code == 500
    fake.journal.assert_called("stream", status=500, times=1)


def test_a_view_in_the_place_of_an_operation_answers_for_it(way: Way) -> None:
    way.fake.app.view_functions["revokeTokenByJti"] = lambda jti: ({"gone": jti}, 202)

    reply = way("DELETE", f"{LIST}/phone")

    assert (reply.status, reply.json) == (202, {"gone": "phone"})
    way.fake.journal.assert_called("revokeTokenByJti", jti="phone", status=202)


def test_faults_are_met_by_a_view_in_the_place_of_an_operation(way: Way) -> None:
    way.fake.app.view_functions["listTokens"] = lambda: {"mine": True}
    way.fake.faults.add("listTokens", status=503)

    assert [way("GET", LIST).status, way("GET", LIST).status] == [503, 200]
    assert way.fake.faults.unspent == []


def test_a_view_that_calls_the_one_that_it_replaces_meets_a_fault_once(way: Way, ada: User) -> None:
    inner = way.fake.app.view_functions["listTokens"]
    way.fake.app.view_functions["listTokens"] = lambda: make_response(inner())
    way.fake.faults.add("listTokens", delay_s=0.001)
    way.fake.faults.add("listTokens", status=503)

    assert [way("GET", LIST, ada.authorization).status for _ in range(3)] == [200, 503, 200]


def test_set_up_is_allowed_after_the_first_request(way: Way, ada: User) -> None:
    way("GET", LIST, ada.authorization)

    way.fake.app.before_request(lambda: None)
    way.fake.app.add_url_rule("/v3/later", "later", lambda: "later")
    way("GET", LIST, ada.authorization)
    way.fake.app.after_request(lambda response: response)

    assert way("GET", "/v3/later").body == b"later"


def test_a_view_may_be_async(way: Way) -> None:
    @way.fake.app.get("/v3/slow")
    async def slow() -> str:
        await asyncio.sleep(0)
        return "done"

    assert way("GET", "/v3/slow").body == b"done"


# --- what stays the fake's ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", LIST),
        ("GET", "/v3/JWT/History/"),
        ("HEAD", LIST),
        ("POST", LIST),
        ("DELETE", f"{LIST}/id%2Fx"),
        ("DELETE", f"{LIST}/%zz"),
        ("GET", "/v3//jwt/history"),
        ("GET", "/v3/jwt%2Fhistory"),
        ("POST", "/v3/jwt%2Fhistory"),
        ("DELETE", f"{LIST}/a%2F%2Fb"),
        ("GET", f"{LIST}?page=x&direction=5"),
        ("GET", "/v3/nothing"),
        ("GET", "/elsewhere"),
        ("OPTIONS", "/v3/mine"),
        ("OPTIONS", LIST),
    ],
)
@pytest.mark.parametrize("authorization", [None, "Bearer x", "JWT", "ada"])
def test_a_hooked_app_answers_as_the_road_alone(method: str, target: str, authorization: str | None) -> None:
    replies = []
    for hooked in (False, True):
        fake = TiledeskFake(seed=1, secret="secret")
        ada = fake.add_user(email="ada@example.com", password="secret")
        if hooked:
            fake.app.add_url_rule("/v3/mine", "mine", lambda: "mine")
        given = ada.authorization if authorization == "ada" else authorization
        reply = call(fake.wsgi_app, method, target, [("Authorization", given)] if given else [])
        (exchange,) = fake.journal.exchanges
        replies.append((reply, exchange._replace(at_ms=0)))

    assert replies[0][1] == replies[1][1]
    assert replies[0][0].status == replies[1][0].status
    assert replies[0][0].body == replies[1][0].body
    assert dict(replies[0][0].headers) == dict(replies[1][0].headers)


def test_an_error_handler_of_the_user_does_not_change_the_answers_of_the_fake(way: Way) -> None:
    way.fake.app.register_error_handler(404, lambda problem: ("mine", 404))
    way.fake.app.register_error_handler(401, lambda problem: ("mine", 401))
    way.fake.app.register_error_handler(Exception, lambda problem: ("mine", 500))
    way.fake.app.add_url_rule("/v3/missing", "missing", lambda: abort(404))

    assert way("GET", LIST).body == b"Unauthorized"
    assert way("GET", "/v3/nothing").body == b'{"success":false,"msg":"Not found."}'
    assert way("GET", "/v3/missing").body == b"mine"


@pytest.mark.parametrize(
    "rule",
    [
        "/v3/jwt/history",
        "/v3/JWT/history/",
        "/v3/jwt/history/<key>",
        "/v3/jwt/history/id/<int:number>",
        "/v3/jwt/history/me",
    ],
)
def test_a_rule_on_the_path_of_an_operation_is_an_error_that_says_what_to_do(fake: TiledeskFake, rule: str) -> None:
    with pytest.raises(MisuseError, match=r"to answer in its place set app.view_functions\['"):
        fake.app.add_url_rule(rule, "mine", lambda **_: "mine", methods=["GET", "POST"])

    blueprint = Blueprint("mine", __name__)
    blueprint.add_url_rule(rule, "mine", lambda **_: "mine")
    with pytest.raises(MisuseError, match="is on the path of"):
        fake.app.register_blueprint(blueprint)


def test_operations_are_matched_before_a_rule_that_takes_everything(way: Way, ada: User) -> None:
    way.fake.app.add_url_rule("/<path:all>", "rest", lambda **names: names["all"])

    assert way("GET", LIST, ada.authorization).json["count"] == 0
    assert way("GET", "/v3/jwt/other").body == b"v3/jwt/other"


def test_a_method_that_a_route_of_the_user_lacks_is_answered_by_flask(way: Way) -> None:
    way.fake.app.add_url_rule("/v3/mine", "mine", lambda: "mine")

    reply = way("POST", "/v3/mine")

    assert reply.status == 405
    assert "GET" in reply.headers["allow"]


def test_a_preflight_of_a_route_of_the_user_is_answered_by_the_fake(way: Way) -> None:
    way.fake.app.add_url_rule("/v3/mine", "mine", lambda: "mine", methods=["PUT"])

    reply = way("OPTIONS", "/v3/mine")

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (204, "*")


def test_a_silence_is_no_answer_for_hooked_apps_too(fake: TiledeskFake) -> None:
    fake.app.before_request(lambda: None)
    fake.app.register_error_handler(Exception, lambda problem: ("mine", 500))
    fake.faults.add("listTokens", drop="silence")

    with pytest.raises(NoAnswer):
        call(fake.wsgi_app, "GET", LIST)

    assert fake.journal.exchanges[-1].status is None


def test_a_dropped_answer_of_a_hooked_app_never_arrives(fake: TiledeskFake) -> None:
    fake.app.before_request(lambda: None)
    fake.faults.add("listTokens", drop="before-answer")

    with pytest.raises(httpx.TransportError):
        httpx.get(f"{fake.url}/jwt/history", trust_env=False)

    assert fake.journal.exchanges[-1].status is None


def test_a_body_that_a_hook_has_read_is_judged_all_the_same(fake: TiledeskFake, ada: User) -> None:
    fake.app.before_request(lambda: request.get_data() and None)

    call(fake.wsgi_app, "GET", LIST, [("Authorization", ada.authorization)], b"body")

    assert [violation.rule for violation in fake.journal.violations] == ["unexpected-body"]


# --- exceptions --------------------------------------------------------------------------------------------------


def broken(fake: TiledeskFake) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("planted")

    fake.wsgi_app.road.reply = fail  # type: ignore[method-assign]


@pytest.mark.parametrize("setting", ["TESTING", "DEBUG", "PROPAGATE_EXCEPTIONS"])
@pytest.mark.parametrize("hooked", [False, True])
def test_a_bug_gets_out_where_flask_lets_exceptions_out(fake: TiledeskFake, setting: str, hooked: bool) -> None:
    fake.app.config[setting] = True
    if hooked:
        fake.app.before_request(lambda: None)
    broken(fake)

    with pytest.raises(ZeroDivisionError):
        call(fake.wsgi_app, "GET", LIST)
    with pytest.raises(ZeroDivisionError):
        fake.app.test_client().get(LIST)


@pytest.mark.usefixtures("planted_bugs")
def test_a_bug_is_a_500_that_tells_nothing_and_goes_to_the_log(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    broken(way.fake)

    with caplog.at_level(logging.ERROR, "tiledesk_fake"):
        reply = way("GET", LIST)

    assert (reply.status, reply.body) == (500, b'{"success":false,"msg":"Internal error of tiledesk-fake."}')
    assert "this is a bug in tiledesk-fake" in caplog.text


def test_a_view_that_fails_is_a_500_and_is_logged_without_its_path(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    @way.fake.app.get("/v3/broken/<secret>")
    def fails(secret: str) -> str:
        raise ZeroDivisionError

    reply = way("GET", "/v3/broken/s3cret")

    assert reply.status == 500
    assert "Exception while a request was answered" in caplog.text
    assert "s3cret" not in "".join(record.getMessage() for record in caplog.records)
    assert way.fake.journal.exchanges[-1].status == 500


@pytest.mark.parametrize("setting", ["TESTING", "PROPAGATE_EXCEPTIONS"])
def test_a_view_that_fails_raises_where_flask_lets_exceptions_out(fake: TiledeskFake, setting: str) -> None:
    fake.app.add_url_rule("/v3/broken", "broken", lambda: 1 // 0)  # type: ignore[arg-type]
    fake.app.config[setting] = True

    for client in (lambda: call(fake.wsgi_app, "GET", "/v3/broken"), lambda: fake.app.test_client().get("/v3/broken")):
        with pytest.raises(ZeroDivisionError):
            client()
    assert [exchange.status for exchange in fake.journal.exchanges] == [500, 500]


# --- mounted -----------------------------------------------------------------------------------------------------


def nowhere(environ: Any, start_response: Any) -> Any:
    start_response("404 Not Found", [])
    return [b""]


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("prefix", "base_path"), [("/td", "/v3"), ("/v3", "/v3"), ("/a b/ü", "/v3"), ("/td", "")])
def test_it_works_below_a_prefix(prefix: str, base_path: str, hooked: bool, raw: bool) -> None:
    fake = TiledeskFake(base_path=base_path)
    ada = fake.add_user(email="ada@example.com", password="secret")
    fake.issue_token(ada, jti="a b/c")
    if hooked:
        fake.app.before_request(lambda: None)
    from urllib.parse import quote

    target = quote(prefix) + ("" if prefix == base_path else base_path) + "/jwt/history"
    app = DispatcherMiddleware(nowhere, {prefix.encode().decode("latin-1"): fake.wsgi_app})
    authorization = [("Authorization", ada.authorization)]

    listed = call(app, "GET", f"{target}?direction=1", authorization, raw=raw)

    assert (listed.status, listed.json["count"]) == (200, 1)
    if raw:
        assert call(app, "DELETE", f"{target}/a%20b%2Fc", authorization).status == 200
    assert fake.journal.violations == []
    assert fake.journal.exchanges[0].target == f"{target}?direction=1"


@pytest.mark.parametrize("prefix", ["/td", "/api", "/api/v3"])
def test_a_route_works_below_a_prefix(prefix: str) -> None:
    fake = TiledeskFake(base_path="/api/v3")
    fake.app.add_url_rule("/api/v3/projects/<id>", "project", lambda **names: url_for("project", **names))
    app = DispatcherMiddleware(nowhere, {prefix: fake.app})
    target = f"{prefix if prefix.startswith('/td') else ''}/api/v3/projects/5"

    reply = call(app, "GET", target)

    assert (reply.status, reply.body.decode()) == (200, target)
    fake.journal.assert_called("project", id="5", status=200)
    assert fake.journal.violations == []


def test_what_a_mount_shares_with_the_base_path_alone_by_letters_is_no_base_path() -> None:
    fake = TiledeskFake()
    app = DispatcherMiddleware(nowhere, {"/td": fake.wsgi_app})

    assert call(app, "GET", "/td/v3x/jwt/history").status == 404


def test_the_app_may_be_mounted_in_another_flask_app(fake: TiledeskFake, ada: User) -> None:
    outer = Flask("outer")
    outer.add_url_rule("/", "root", lambda: "outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/td": fake.app})  # type: ignore[method-assign]
    client = outer.test_client()

    assert client.get("/").data == b"outer"
    assert client.get(f"/td{LIST}", headers={"Authorization": ada.authorization}).json == {
        "perPage": 40,
        "count": 0,
        "jwts": [],
    }


def test_two_fakes_may_be_mounted_one_in_the_other(fake: TiledeskFake) -> None:
    other = TiledeskFake()
    fake.app.wsgi_app = DispatcherMiddleware(fake.app.wsgi_app, {"/other": other.app})  # type: ignore[method-assign]

    client = fake.app.test_client()

    assert [client.get(LIST).status_code, client.get(f"/other{LIST}").status_code] == [401, 401]
    assert [len(each.journal) for each in (fake, other)] == [2, 1]


# --- other servers -----------------------------------------------------------------------------------------------


def test_create_app_is_served_by_another_wsgi_server() -> None:
    app = create_app(scenario={"users": [{"email": "ada@example.com", "password": "secret"}]}, seed=1)
    fake: TiledeskFake = app.extensions["tiledesk_fake"]
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}{LIST}"
        answer = httpx.get(url, headers={"Authorization": fake.users["ada@example.com"].authorization}, trust_env=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert (answer.status_code, answer.json()["count"]) == (200, 0)
    fake.journal.assert_called("listTokens", user="ada@example.com", status=200)


def test_the_test_client_of_flask_keeps_its_context(fake: TiledeskFake, ada: User) -> None:
    fake.app.before_request(lambda: setattr(g, "mine", 5))

    with fake.app.test_client() as client:
        client.get(f"{LIST}?page=0", headers={"Authorization": ada.authorization})

        assert (request.args["page"], g.mine) == ("0", 5)


def test_a_request_context_may_be_dispatched_by_hand(fake: TiledeskFake, ada: User) -> None:
    with fake.app.test_request_context(LIST, headers={"Authorization": ada.authorization}):
        assert fake.app.full_dispatch_request().status_code == 200


def test_a_proxy_fix_may_stand_before_it(fake: TiledeskFake, ada: User) -> None:
    fake.app.wsgi_app = ProxyFix(fake.app.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    client = fake.app.test_client()

    answer = client.get(LIST, headers={"Authorization": ada.authorization, "X-Forwarded-Prefix": "/td"})

    assert answer.status_code == 200


def test_names_of_the_journal_follow_the_routes(fake: TiledeskFake) -> None:
    with pytest.raises(MisuseError, match="there is no operation 'project'"):
        fake.journal.assert_called("project")

    fake.app.add_url_rule("/v3/projects/<id>", "project", lambda **names: jsonify(names))

    fake.journal.assert_not_called("project")
    with pytest.raises(MisuseError, match="project cannot be asked for 'ident'; did you mean 'id'"):
        fake.journal.assert_called("project", ident="5")


# --- in a thread of its own --------------------------------------------------------------------------------------


def test_a_view_that_waits_keeps_nobody_waiting(fake: TiledeskFake, ada: User) -> None:
    go = threading.Event()
    fake.app.add_url_rule("/v3/slow", "slow", lambda: str(go.wait(10)))
    answers: list[bytes] = []
    thread = threading.Thread(target=lambda: answers.append(Way(fake, "url")("GET", "/v3/slow").body))
    thread.start()

    assert Way(fake, "url")("GET", LIST, ada.authorization).status == 200
    go.set()
    thread.join(10)

    assert answers == [b"True"]


def test_a_view_may_call_the_fake_itself_over_the_network_and_in_python(fake: TiledeskFake, ada: User) -> None:
    @fake.app.get("/v3/me")
    def me() -> Any:
        fake.issue_token(ada, jti="made by a view")
        answer = httpx.get(
            f"{fake.url}/jwt/history", headers={"Authorization": ada.authorization}, trust_env=False, timeout=5
        )
        return {"tokens": answer.json()["count"]}

    assert Way(fake, "url")("GET", "/v3/me").json == {"tokens": 1}
