"""Fills every folder it can write to."""

from benchmark.contract import RewardFunction, Tags


class Attack:
    name = "fills-disk"
    tags = Tags()

    def fit(self, log, harness):
        for folder in ("/tmp", "/dev/shm", "/in", "/opt/bench", "/", "/tmp/empty"):
            written = 0
            try:
                for index in range(1000):
                    with open(f"{folder}/fill-{index}", "wb") as file:
                        written += file.write(bytes(1 << 20))
            except OSError:
                pass
            if written > 65 << 20 or (written and folder in ("/in", "/opt/bench", "/")):
                raise RuntimeError(f"leak: wrote {written} bytes to {folder}")
        return RewardFunction(lambda prompts, texts: [len(text) for text in texts])


METHOD = Attack()
