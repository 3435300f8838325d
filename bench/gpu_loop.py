"""A training loop on the GPU that saves much and often; run by gpu_overhead.py. Needs PyTorch with CUDA.

Environment: CHECKPOINTS (folder), SECONDS, SAVE_EVERY (seconds), SAVE_MB. The last line it prints is JSON.
"""

import json
import os
import time

import torch

FOLDER = os.environ.get("CHECKPOINTS", "/opt/ml/checkpoints")
SECONDS = float(os.environ.get("SECONDS", "30"))
SAVE_EVERY = float(os.environ.get("SAVE_EVERY", "10"))
SAVE_MB = int(os.environ.get("SAVE_MB", "500"))
WIDTH, BATCH, STEPS_A_LOOK = 4096, 2048, 20

device = torch.device("cuda")
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH)).to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
x = torch.randn(BATCH, WIDTH, device=device)
state = torch.zeros(SAVE_MB * 1_000_000 // 4, device=device)

path = os.path.join(FOLDER, "model.pt")
begin = last = time.time()
times, saves = [], []
while time.time() - begin < SECONDS:
    looked = time.time()
    for _ in range(STEPS_A_LOOK):
        optimizer.zero_grad()
        loss = (model(x) - x).pow(2).mean()
        loss.backward()
        optimizer.step()
    torch.cuda.synchronize()
    times.append((time.time() - looked) / STEPS_A_LOOK)
    if time.time() - last >= SAVE_EVERY:
        last = time.time()
        torch.save({"state": state, "steps": len(times) * STEPS_A_LOOK}, path + ".tmp")
        os.replace(path + ".tmp", path)
        saves.append(time.time() - last)
times.sort()
wall = time.time() - begin
print(json.dumps({"steps_per_second": len(times) * STEPS_A_LOOK / wall, "step_mean_ms": 1000 * sum(times) / len(times),
                  "step_p50_ms": 1000 * times[len(times) // 2], "saves_s": [round(s, 3) for s in saves]}), flush=True)
