"""The fake as a script starts it: with a user and a token."""

import time

from tiledesk_fake import TiledeskFake

fake = TiledeskFake()
fake.issue_token(fake.add_user(email="ada@example.com", password="secret"))
print(fake.start().url.rpartition(":")[2].partition("/")[0], flush=True)
time.sleep(3600)
