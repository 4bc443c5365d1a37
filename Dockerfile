# The command line, without PyTorch:  docker build -t mini-xception .
#   docker run --rm -v "$PWD:/photos" mini-xception predict /photos/photo.jpg
# With the web page, and PyTorch:  docker build -t mini-xception-page --build-arg PAGE=1 .
#   docker run --rm -p 7860:7860 -e GRADIO_SERVER_NAME=0.0.0.0 mini-xception-page demo
FROM python:3.12-slim
ARG PAGE=""
COPY . /src
WORKDIR /src
RUN if [ -n "$PAGE" ]; then \
      apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 && rm -rf /var/lib/apt/lists/* && \
      python scripts/install_torch.py constraints.txt && \
      pip install --no-cache-dir --constraint constraints.txt '.[app]'; \
    else \
      pip install --no-cache-dir --no-deps . -r requirements-lean.txt; \
    fi
WORKDIR /photos
# Any user may run the image, because it writes no cache.
USER 1000
ENTRYPOINT ["mini-xception"]
