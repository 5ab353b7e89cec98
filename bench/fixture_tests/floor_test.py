import pytest, socket, threading, requests
BODY=b'{"perPage": 40, "count": 1, "jwts": [{"jti":"x"}]}'
ANSWER=b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY),BODY)
@pytest.fixture(scope="session")
def srv():
    l=socket.create_server(("127.0.0.1",0),backlog=128)
    def run():
        while True:
            c,_=l.accept()
            while c.recv(65536): c.sendall(ANSWER)
            c.close()
    threading.Thread(target=run,daemon=True).start()
    return "http://127.0.0.1:%d/v3/jwt/history"%l.getsockname()[1]
def test_call(srv, number):
    with requests.Session() as session:
        answer = session.get(srv, headers={"Authorization": "JWT a.b.c"})
    assert answer.json()["jwts"][0]["jti"] == "x"
