"""Questions of collecting: fewer while the front is behind, more while it keeps up, none lost."""

import asyncio

import pytest
from tests.asynchronous import run

from denghuo.service.acquisition.front.pace import BEHIND_S, FEWEST, STEP, Pace


class Asked:
    """So many askers that hold their turn until they are told to go."""

    def __init__(self, pace: Pace, count: int) -> None:
        self.pace, self.inside, self.most = pace, 0, 0
        self.go = asyncio.Event()
        self.tasks = [asyncio.create_task(self.ask()) for _ in range(count)]

    async def ask(self) -> None:
        async with self.pace:
            self.inside += 1
            self.most = max(self.most, self.inside)
            await self.go.wait()
            self.inside -= 1


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def more_while_it_keeps_up() -> None:
    most = FEWEST + STEP + 4
    asked = Asked(Pace(most), 2 * most)
    await settled()
    assert asked.inside == FEWEST
    asked.pace.adjust(0.0)
    await settled()
    assert asked.inside == FEWEST + STEP
    for _ in range(5):
        asked.pace.adjust(0.0)
        await settled()
    assert asked.inside == most
    asked.go.set()
    await asyncio.gather(*asked.tasks)
    assert asked.most == most


async def fewer_while_it_is_behind() -> None:
    pace = Pace(most=100)
    pace.allowed = 100
    asked = Asked(pace, 100)
    await settled()
    for _ in range(20):
        pace.adjust(2 * BEHIND_S)
    assert pace.allowed == FEWEST
    # Who has a turn keeps it.
    assert asked.inside == 100
    asked.go.set()
    await asyncio.gather(*asked.tasks)
    pace.adjust(0.0)
    assert pace.allowed == FEWEST, "nobody waits for more"


async def who_is_cancelled_leaves_the_turn_to_others() -> None:
    pace = Pace(most=FEWEST)
    asked = Asked(pace, FEWEST + 2)
    await settled()
    *holding, waiting, last = asked.tasks
    waiting.cancel()
    holding[0].cancel()
    await settled()
    assert asked.inside == FEWEST + 1, "the last one came in; the one that was cancelled inside said nothing"
    asked.go.set()
    await asyncio.gather(*asked.tasks, return_exceptions=True)
    assert last.done() and not last.cancelled()
    later = Asked(pace, FEWEST)
    await settled()
    assert later.inside == FEWEST, "every turn came back"
    later.go.set()
    await asyncio.gather(*later.tasks)


@pytest.mark.parametrize(
    "case", [more_while_it_keeps_up, fewer_while_it_is_behind, who_is_cancelled_leaves_the_turn_to_others]
)
def test_pace(case):
    run(case())
