"""What a list says, and how its pages make it up. Only reads."""

from datetime import datetime

from ..asking import Page
from ..examination import Examination
from ..judging import expect
from ..outcome import Broken, LeftOut, NotApplicable
from .rule import LISTING, Brake, Family, assumption

family = Family()
rule = family.rule

LATEST_PAGE = 2147483647

TIMES = 20


@rule(
    "answers",
    "Every request is answered, and the answer arrives whole.",
    "paths",
    "/jwt/history",
    "get",
    brake=Brake.NONE,
)
def answers(exam: Examination) -> None:
    for _ in range(TIMES):
        exam.listed()


@rule(
    "list-answers",
    "A valid listing is answered 200.",
    "paths",
    "/jwt/history",
    "get",
    "responses",
    "200",
    brake=Brake.UNWATCHED,
)
def list_answers(exam: Examination) -> None:
    for _ in range(TIMES):
        exam.page()


@rule(
    "list-form",
    "A page of the list has the declared form, and so has each record.",
    *assumption("list-envelope"),
    brake=Brake.UNWATCHED,
)
def list_form(exam: Examination) -> None:
    exam.pages()
    exam.page(exam.query(page=LATEST_PAGE))


@rule(
    "timestamps",
    "Times are real moments in UTC with milliseconds, and nothing changed before it was created.",
    "components",
    "schemas",
    "Timestamp",
    brake=Brake.NONE,
)
def timestamps(exam: Examination) -> None:
    page = exam.page()
    for record in page.records:
        for name in ("createdAt", "updatedAt", "expiresAt"):
            try:
                datetime.fromisoformat(record.get(name, "2026-01-01T00:00:00.000Z"))
            except ValueError:
                raise Broken(f"a moment in {name}", repr(record[name]), page.reply) from None
        ordered = record["createdAt"] <= record["updatedAt"]
        got = f"createdAt {record['createdAt']}, updatedAt {record['updatedAt']}"
        expect(ordered, "updatedAt not before createdAt", page.reply, got)


@rule(
    "count-agrees",
    "The count is the number of records over all pages, the same on every page.",
    *LISTING,
    brake=Brake.NONE,
    level="assumed",
)
def count_agrees(exam: Examination) -> None:
    pages = exam.pages()
    if pages[0].count is None:
        raise NotApplicable("under this profile the list tells no count")
    for page in (*pages, exam.page(exam.query(page=LATEST_PAGE))):
        if page.count != pages[0].count:
            raise Broken(f"count {pages[0].count}, as on the first page", f"count {page.count}", page.reply)
    exam.needs_whole(pages)


@rule(
    "page-size",
    "Every page but the last holds as many records as the page size says.",
    *assumption("page-size"),
    brake=Brake.NONE,
)
def page_size(exam: Examination) -> None:
    size = exam.contract.page_size
    pages = _several(exam)
    for page in pages[:-1]:
        got = f"{len(page.records)} records"
        expect(len(page.records) == size, f"{size} records on a page that is not the last", page.reply, got)


@rule(
    "pages-partition",
    "The pages partition the list: no record is on two of them.",
    *LISTING,
    brake=Brake.NONE,
    level="assumed",
)
def pages_partition(exam: Examination) -> None:
    for query in ("", exam.query(sort="jti", direction=1)):
        seen: dict[str, int] = {}
        for number, page in enumerate(_pages(exam, query), exam.contract.first_page):
            for id in page.ids:
                got = f"{id} on page {seen.get(id)} and again on page {number}"
                expect(id not in seen, "each record on one page, once", page.reply, got)
                seen[id] = number


@rule("first-page", "Without a number, the page is the first one.", *assumption("page-base"), brake=Brake.NONE)
def first_page(exam: Examination) -> None:
    default, first = exam.page(), exam.page(exam.query(page=exam.contract.first_page))
    got = f"{first.ids[:2]}… instead of {default.ids[:2]}…"
    expect(
        first.ids == default.ids,
        f"page {exam.contract.first_page} to be the page without a number",
        first.reply,
        got,
    )


@rule("second-page", "The second page goes on where the first one ends.", *assumption("page-base"), brake=Brake.NONE)
def second_page(exam: Examination) -> None:
    _several(exam)
    first, second = (exam.page(exam.query(page=exam.contract.first_page + number)) for number in (0, 1))
    right = bool(second.records) and not set(first.ids) & set(second.ids)
    expect(right, f"other records on page {exam.contract.first_page + 1} than on the first", second.reply)


@rule(
    "page-past-end",
    "A page past the end is empty, and tells the true count.",
    *LISTING,
    brake=Brake.NONE,
    level="assumed",
)
def page_past_end(exam: Examination) -> None:
    pages = exam.pages()
    exam.needs_whole(pages)
    past = exam.contract.first_page + len(pages) + 1
    for number in (past, past + 40, LATEST_PAGE):
        reply = exam.listed(exam.query(page=number))
        expect(reply.status == 200, f"200 and an empty list on page {number}", reply)
        page = exam.as_page(reply)
        expect(not page.records, f"no records on page {number}", reply)
        expect(page.count == pages[0].count, f"count {pages[0].count} on page {number}", reply)


@rule(
    "own-records",
    "Every record in the list is the calling user's.",
    "components",
    "schemas",
    "TokenRecord",
    brake=Brake.UNWATCHED,
)
def own_records(exam: Examination) -> None:
    for person in exam.persons:
        pages = exam.pages(person=person)
        claimed = next((jwt.claims["_id"] for jwt in person.jwts if isinstance(jwt.claims.get("_id"), str)), None)
        owner = claimed or next((record["id_user"] for page in pages for record in page.records), None)
        for page in pages:
            for record in page.records:
                got = f"{record['_id']} with id_user {record['id_user']}"
                expect(record["id_user"] == owner, f"records with id_user {owner} only", page.reply, got)


@rule(
    "same-list-for-all-credentials",
    "Basic and JWT of one user see the same list.",
    "security",
    brake=Brake.NONE,
    level="documented",
)
def same_list(exam: Examination) -> None:
    if len(exam.first.credentials) < 2:
        raise LeftOut("Basic and JWT of one user are needed, one was given")
    seen = [(exam.ask("GET", "/jwt/history", each.authorization)) for each in exam.first.credentials]
    expected = exam.as_page(seen[0])
    for reply in seen[1:]:
        page = exam.as_page(reply)
        expect((page.ids, page.count) == (expected.ids, expected.count), "the same list for both", reply)


def _pages(exam: Examination, query: str) -> list[Page]:
    return exam.pages(query)


def _several(exam: Examination) -> list[Page]:
    pages = exam.pages()
    if sum(bool(page.records) for page in pages) < 2:
        exam.tokens.need(exam.contract.page_size + 1, found=len(pages[0].records))
        pages = exam.pages()
    return pages


RULES = family.rules
