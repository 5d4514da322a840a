# One image for every process of the mail host; docker-compose.yml says which process a container is.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MAILHOST_VAR=/var/lib/mailhost \
    DJANGO_SETTINGS_MODULE=mailhost.settings

# Never root. The folders are made here so that new volumes mounted on them belong to this user.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent mailhost \
    && install -d -o mailhost -g mailhost -m 0755 /var/lib/mailhost /secrets

WORKDIR /srv/mailhost
COPY requirements.txt ./
RUN python3 -m pip install --no-cache-dir --require-hashes -r requirements.txt

COPY . .
RUN python3 -m compileall -q domains mailboxes delivery mailhost

USER mailhost
ENTRYPOINT ["python3"]
CMD ["manage.py", "help"]
