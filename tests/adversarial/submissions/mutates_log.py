"""Changes the data that others are judged on."""

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "mutates-log"
    tags = Tags()

    def fit(self, log, harness):
        for values in (log.outcomes, log.texts, log.prompts):
            try:
                values.flags.writeable = True
                values[:] = values[::-1]
            except ValueError:
                continue
        object.__setattr__(log, "table", log.table.slice(0, 1))
        for path in ("/in/log.parquet", "/in/queries.npz", "/opt/bench/benchmark/contract/log.py"):
            try:
                with open(path, "r+b") as file:
                    file.write(b"changed")
            except OSError:
                continue
            raise RuntimeError(f"leak: wrote {path}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
