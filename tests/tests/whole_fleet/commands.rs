//! The command line on the machine of a node, whose own files may hold an old configuration.

use jotgate_scenarios::{Backend, Ended, Fleet, PATIENCE, Process};

async fn run(words: &[&str]) -> Ended {
    Process::start(words, &[]).wait(PATIENCE).await
}

#[tokio::test]
async fn commands_ask_a_node_that_runs_and_do_not_take_its_own_files_for_the_configuration() {
    let mut fleet = Fleet::of(2, Backend::echo().await).await;
    let folder = fleet.nodes[1].folder().clone();
    let data = folder.data().display().to_string();
    let backup = folder.path().join("backup").display().to_string();
    assert!(
        folder.data().join("configuration.db").is_file(),
        "an old one"
    );
    let commands: [&[&str]; 4] = [
        &["export"],
        &["audit", "verify"],
        &["audit", "list"],
        &["admin", "reset"],
    ];
    let of_node = async |words: &[&str]| run(&[words, &["--data-dir", &data]].concat()).await;
    for words in commands {
        let ended = of_node(words).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        match words {
            ["export"] => assert!(
                ended.stdout.contains("prefix = \"jwt\""),
                "{}",
                ended.stdout
            ),
            // The link works at every node.
            ["admin", "reset"] => {
                let link = ended.stdout.lines().next().expect("a link");
                let (_, path) = link.split_once("/qmc/").expect("a path");
                let opened = fleet.nodes[0].client().get(&format!("/qmc/{path}"));
                assert_eq!(opened.accepts_html().send().await.status, 200);
            }
            _ => {}
        }
    }
    let refused = of_node(&["backup", &backup]).await;
    assert!(refused.stderr.contains("pg_dump"), "{}", refused.stderr);

    fleet.nodes.remove(1).stop().await;
    for words in commands {
        let ended = of_node(words).await;
        assert_eq!(ended.code, Some(65), "{words:?}: {}", ended.stdout);
        let sentence = "does not run, and what it serves is in the database";
        assert!(ended.stderr.contains(sentence), "{}", ended.stderr);
    }
    let refused = of_node(&["backup", &backup]).await;
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(refused.stderr.contains("pg_dump"), "{}", refused.stderr);
    assert!(!folder.path().join("backup").exists());
}
