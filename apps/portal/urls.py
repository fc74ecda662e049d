"""Addresses of the portal: patients under ``/portal/``, staff under ``/portal/inbox/``. Tokens and ids only.

Tasks of staff, under ``/portal/inbox/tasks/``, are in ``apps.inbox``.
"""

from django.urls import path

from apps.portal.views import conversations, entry, pages

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
    path("inbox/", conversations.inbox, name="inbox"),
    path("inbox/<int:conversation_id>/", conversations.conversation, name="conversation"),
    path("inbox/<int:conversation_id>/answer/", conversations.answer, name="answer"),
    path("inbox/<int:conversation_id>/assign/", conversations.assign, name="assign"),
    path("inbox/<int:conversation_id>/close/", conversations.close, name="close"),
    path("inbox/<int:conversation_id>/reopen/", conversations.reopen, name="reopen"),
    path("inbox/people/<int:person_id>/unlock/", conversations.unlock, name="unlock"),
    path("inbox/people/<int:person_id>/access/", conversations.access, name="access"),
    path("inbox/people/<int:person_id>/end-sessions/", conversations.end_sessions, name="end_sessions"),
]
