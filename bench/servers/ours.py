"""The fake, with the 40 records."""

import time

from bench.work import new_fake

fake, _ = new_fake()
print(fake.start().url.rpartition(":")[2].partition("/")[0], flush=True)
time.sleep(3600)
