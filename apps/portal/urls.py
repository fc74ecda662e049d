"""Addresses of the portal: patients under ``/portal/``, staff under ``/portal/inbox/``. Tokens and ids only."""

from django.urls import path

from apps.portal.views import entry, inbox, pages

app_name = "portal"
urlpatterns = [
    path("", entry.start, name="start"),
    path("m/<str:token>/", entry.link, name="link"),
    path("m/<str:token>/code/", entry.code, name="code"),
    path("m/<str:token>/prove/", entry.prove, name="prove"),
    path("m/<str:token>/not-me/", entry.not_me, name="not_me"),
    path("thanks/", entry.thanks, name="thanks"),
    path("sign-in/", entry.password, name="password"),
    path("lost/", entry.lost, name="lost"),
    path("lost/done/", entry.lost_done, name="lost_done"),
    path("ended/", entry.ended, name="ended"),
    path("again/", entry.again, name="again"),
    path("signed-out/", entry.signed_out, name="signed_out"),
    path("messages/", pages.messages, name="messages"),
    path("messages/<uuid:public>/", pages.message, name="message"),
    path("messages/<uuid:public>/body/", pages.body, name="body"),
    path("messages/<uuid:public>/download.<str:form>", pages.download, name="download"),
    path("messages/<uuid:public>/reply/", pages.reply, name="reply"),
    path("messages/<uuid:public>/draft/", pages.draft, name="draft"),
    path("session/", pages.session, name="session"),
    path("password/", pages.set_password, name="set_password"),
    path("not-you/", pages.not_you, name="not_you"),
    path("sign-out/", pages.sign_out, name="sign_out"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/<int:conversation_id>/", inbox.conversation, name="conversation"),
    path("inbox/<int:conversation_id>/answer/", inbox.answer, name="answer"),
    path("inbox/<int:conversation_id>/assign/", inbox.assign, name="assign"),
    path("inbox/<int:conversation_id>/close/", inbox.close, name="close"),
    path("inbox/<int:conversation_id>/reopen/", inbox.reopen, name="reopen"),
    path("inbox/tasks/", inbox.tasks, name="tasks"),
    path("inbox/tasks/<int:task_id>/", inbox.task, name="task"),
    path("inbox/tasks/<int:task_id>/done/", inbox.done, name="task_done"),
    path("inbox/tasks/<int:task_id>/put-back/", inbox.put_back, name="task_put_back"),
    path("inbox/people/<int:person_id>/unlock/", inbox.unlock, name="unlock"),
    path("inbox/people/<int:person_id>/access/", inbox.access, name="access"),
    path("inbox/people/<int:person_id>/end-sessions/", inbox.end_sessions, name="end_sessions"),
]
